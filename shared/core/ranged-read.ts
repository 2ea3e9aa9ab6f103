import { CatamaranError, hasCode } from '../domain/errors.ts'
import { digester, type Digests } from './work-file.ts'
import type { WorkTools } from './work-tools.ts'

const rangeBytes = 8 * 2 ** 20
const rangesAtOnce = 4

const triesMax = 4
const pauseMs = 200

interface Source {
  /** Asked before every range: a signed URL may expire on the way. */
  readonly url: () => Promise<string>
  readonly bytes: number
}

interface ReadOptions {
  readonly signal: AbortSignal
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly onRange: () => Promise<void>
  /** Sees the digests before the stream ends; when it throws, the stream fails and whoever stores it stores nothing. */
  readonly onEnd: (digests: Digests) => void
  /** Why the stream failed: whoever reads it may only say that it did. */
  readonly onError: (error: unknown) => void
}

/**
 * Reads `bytes` bytes from a URL as one stream, in ranges of 8 MiB of which four are under way at once: at most 32 MiB are
 * held, whatever the size. A range that fails is asked for again, since a connection may end at any time; past four tries
 * the stream fails with `peer-unavailable`.
 */
export function rangedRead(
  fetch: WorkTools['fetch'],
  source: Source,
  options: ReadOptions,
): ReadableStream<Uint8Array> {
  const { bytes } = source
  const stopping = new AbortController()
  const signal = AbortSignal.any([options.signal, stopping.signal])
  const digests = digester()
  const underWay: Promise<Uint8Array>[] = []
  let asked = 0
  const ask = (): void => {
    while (underWay.length < rangesAtOnce && asked < bytes) {
      const first = asked
      asked = Math.min(bytes, first + rangeBytes)
      const range = readPatiently(fetch, source, { first, last: asked - 1, signal, sleep: options.sleep })
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
        options.onError(error)
        throw error
      }
    },
    cancel: () => stopping.abort(),
  })
}

interface RangeRequest {
  readonly first: number
  readonly last: number
  readonly signal: AbortSignal
}

async function readPatiently(
  fetch: WorkTools['fetch'],
  source: Source,
  request: RangeRequest & Pick<ReadOptions, 'sleep'>,
): Promise<Uint8Array> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await readRange(fetch, await source.url(), request)
    } catch (error) {
      request.signal.throwIfAborted()
      if (attempt >= triesMax || !hasCode(error, 'peer-unavailable')) throw error
      await request.sleep(pauseMs * 2 ** (attempt - 1), request.signal)
    }
  }
}

async function readRange(
  fetch: WorkTools['fetch'],
  url: string,
  { first, last, signal }: RangeRequest,
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
  return readBody(response, bytes, signal)
}

/** Exactly `bytes` bytes; a connection that breaks on the way counts as the peer being away. */
async function readBody(response: Response, bytes: number, signal: AbortSignal): Promise<Uint8Array> {
  const chunk = new Uint8Array(bytes)
  let at = 0
  try {
    for await (const piece of response.body ?? []) {
      if (at + piece.byteLength > bytes) throw new RangeError('more came than was asked for')
      chunk.set(piece, at)
      at += piece.byteLength
    }
  } catch (error) {
    signal.throwIfAborted()
    throw new CatamaranError('peer-unavailable', `The peer's answer broke off after ${at} of ${bytes} bytes.`, {
      cause: error,
    })
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
