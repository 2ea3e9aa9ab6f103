import { CatamaranError } from '../domain/errors.ts'
import { digester, type Digests } from './work-file.ts'
import type { WorkTools } from './work-tools.ts'

const rangeBytes = 8 * 2 ** 20
const rangesAtOnce = 4

interface Source {
  readonly url: string
  readonly bytes: number
}

/**
 * Reads `bytes` bytes from a URL as one stream, in ranges of 8 MiB of which four are under way at once: at most 32 MiB are
 * held, whatever the size. `onEnd` sees the digests before the stream ends; when it throws, the stream fails and whoever
 * stores it stores nothing.
 */
export function rangedRead(
  fetch: WorkTools['fetch'],
  { url, bytes }: Source,
  options: {
    readonly signal: AbortSignal
    readonly onRange: () => Promise<void>
    readonly onEnd: (digests: Digests) => void
  },
): ReadableStream<Uint8Array> {
  const stopping = new AbortController()
  const signal = AbortSignal.any([options.signal, stopping.signal])
  const digests = digester()
  const underWay: Promise<Uint8Array>[] = []
  let asked = 0
  const ask = (): void => {
    while (underWay.length < rangesAtOnce && asked < bytes) {
      const first = asked
      asked = Math.min(bytes, first + rangeBytes)
      const range = readRange(fetch, url, { first, last: asked - 1, signal })
      // Awaited in its turn; without this, a failure before that would count as unhandled.
      range.catch(() => undefined)
      underWay.push(range)
    }
  }
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        ask()
        const chunk = await underWay.shift()
        if (!chunk) {
          options.onEnd(digests.result())
          controller.close()
          return
        }
        digests.update(chunk)
        await options.onRange()
        controller.enqueue(chunk)
      } catch (error) {
        stopping.abort()
        throw error
      }
    },
    cancel: () => stopping.abort(),
  })
}

async function readRange(
  fetch: WorkTools['fetch'],
  url: string,
  { first, last, signal }: { readonly first: number; readonly last: number; readonly signal: AbortSignal },
): Promise<Uint8Array> {
  const bytes = last - first + 1
  const response = await askPeer(fetch, url, { headers: { range: `bytes=${first}-${last}` }, signal })
  if (response.status !== 206 && response.status !== 200) {
    await response.body?.cancel()
    throw new CatamaranError('peer-unavailable', `The peer's store answered ${response.status}.`)
  }
  if (response.status === 200 && first > 0) {
    await response.body?.cancel()
    throw new CatamaranError('peer-unavailable', `The peer's store does not answer ranges.`)
  }
  const chunk = new Uint8Array(bytes)
  let at = 0
  for await (const piece of response.body ?? []) {
    if (at + piece.byteLength > bytes)
      throw new CatamaranError('peer-unavailable', 'The peer sent more than was asked.')
    chunk.set(piece, at)
    at += piece.byteLength
  }
  if (at === bytes) return chunk
  throw new CatamaranError('peer-unavailable', `The peer sent ${at} of ${bytes} bytes.`)
}

async function askPeer(
  fetch: WorkTools['fetch'],
  url: string,
  init: { readonly headers: Record<string, string>; readonly signal: AbortSignal },
): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (error) {
    init.signal.throwIfAborted()
    throw new CatamaranError('peer-unavailable', `The peer's store cannot be reached.`, { cause: error })
  }
}
