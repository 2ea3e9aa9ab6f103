import { CatamaranError, hasCode } from '../domain/errors.ts'
import { forEachOf } from './each.ts'
import type { RangeFetch } from './work-tools.ts'

const rangeBytes = 4 * 2 ** 20
const rangesAtOnce = 4

type Answer = Awaited<ReturnType<RangeFetch>>

const triesMax = 4
const pauseMs = 200

/** Which bytes of a URL: as many as fit into `target`, from the byte `first` on. */
interface RangeRequest {
  readonly first: number
  readonly target: Uint8Array
  readonly signal: AbortSignal
}

interface ReadOptions extends RangeRequest {
  /** Asked before every range: a signed URL may expire on the way. */
  readonly url: () => Promise<string>
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
}

/**
 * Fills `target` with the bytes of a URL, in ranges of 4 MiB of which four are under way at once. A range that fails is
 * asked for again, since a connection may end at any time; past four tries it throws `peer-unavailable`. Answers what the
 * store calls the bytes' media type.
 */
export async function readRange(fetch: RangeFetch, options: ReadOptions): Promise<string | undefined> {
  const { first, target } = options
  const count = Math.ceil(target.byteLength / rangeBytes)
  const starts = Array.from({ length: count }, (_, index) => index * rangeBytes)
  let mediaType: string | undefined
  await forEachOf(starts, rangesAtOnce, async (start) => {
    const range = { first: first + start, target: target.subarray(start, start + rangeBytes) }
    mediaType = await readPatiently(fetch, { ...options, ...range })
  })
  return mediaType
}

async function readPatiently(fetch: RangeFetch, options: ReadOptions): Promise<string | undefined> {
  const { url, sleep, ...request } = options
  for (let attempt = 1; ; attempt++) {
    try {
      return await readOnce(fetch, await url(), request)
    } catch (error) {
      request.signal.throwIfAborted()
      if (attempt >= triesMax || !hasCode(error, 'peer-unavailable')) throw error
      await sleep(pauseMs * 2 ** (attempt - 1), request.signal)
    }
  }
}

async function readOnce(fetch: RangeFetch, url: string, request: RangeRequest): Promise<string | undefined> {
  const { first, target, signal } = request
  const range = `bytes=${first}-${first + target.byteLength - 1}`
  const response = await askPeer(fetch, url, { headers: { range }, signal })
  if (response.status !== 206 && response.status !== 200) {
    await response.body?.cancel()
    throw new CatamaranError('peer-unavailable', `The peer's store answered ${response.status}.`)
  }
  if (response.status === 200 && first > 0) {
    await response.body?.cancel()
    throw new CatamaranError('peer-unavailable', `The peer's store does not answer ranges.`)
  }
  await readBody(response, target, signal)
  return response.headers.get('content-type') ?? undefined
}

/** Exactly as many bytes as fit; a connection that breaks on the way counts as the peer being away. */
async function readBody(response: Answer, target: Uint8Array, signal: AbortSignal): Promise<void> {
  const bytes = target.byteLength
  let at = 0
  try {
    for await (const piece of response.body ?? []) {
      if (at + piece.byteLength > bytes) throw new RangeError('more came than was asked for')
      target.set(piece, at)
      at += piece.byteLength
      letGo(piece)
    }
  } catch (error) {
    signal.throwIfAborted()
    throw new CatamaranError('peer-unavailable', `The peer's answer broke off after ${at} of ${bytes} bytes.`, {
      cause: error,
    })
  }
  if (at !== bytes) throw new CatamaranError('peer-unavailable', `The peer sent ${at} of ${bytes} bytes.`)
}

/** Frees memory that nobody else can know of at once, rather than when the collector comes to it. */
function letGo({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}

async function askPeer(
  fetch: RangeFetch,
  url: string,
  init: { readonly headers: Record<string, string>; readonly signal: AbortSignal },
): Promise<Answer> {
  try {
    return await fetch(url, init)
  } catch (error) {
    init.signal.throwIfAborted()
    throw new CatamaranError('peer-unavailable', `The peer's store cannot be reached.`, { cause: error })
  }
}
