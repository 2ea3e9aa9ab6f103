import { CatamaranError } from '../domain/errors.ts'

export const partBytesMin = 8 * 2 ** 20
const partsPerStep = 1_000

/**
 * How large part `part` (from 1) of an upload is: every part the same when the length is known, else growing by 8 MiB every
 * 1,000 parts, so that 10,000 parts hold 430 GiB of unknown length, and memory stays at a few parts.
 */
export function partBytesOf(part: number, bytes: number | undefined, partsMax: number): number {
  if (bytes !== undefined) return Math.max(partBytesMin, Math.ceil(bytes / partsMax))
  return partBytesMin * (1 + Math.floor((part - 1) / partsPerStep))
}

/**
 * A stream cut into parts of exactly the size asked for, but for the last. Reading stops, and the stream is cancelled, when the
 * signal aborts or the caller goes away. Throws `invalid-request` when the stream's length is not `bytes`.
 */
export async function* cutParts(
  stream: ReadableStream<Uint8Array>,
  sizeOf: (part: number) => number,
  { bytes, signal }: { readonly bytes?: number | undefined; readonly signal?: AbortSignal | undefined },
): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader()
  const abort = (): void => void reader.cancel(signal?.reason).catch(() => undefined)
  signal?.addEventListener('abort', abort, { once: true })
  let total = 0
  let part = 1
  let buffer = Buffer.allocUnsafe(sizeOf(part))
  let filled = 0
  try {
    for (;;) {
      signal?.throwIfAborted()
      const { done, value } = await reader.read()
      signal?.throwIfAborted()
      if (done) break
      total += value.byteLength
      if (bytes !== undefined && total > bytes) throw wrongLength(total, bytes)
      for (let at = 0; at < value.byteLength; ) {
        const piece = value.subarray(at, at + buffer.byteLength - filled)
        buffer.set(piece, filled)
        filled += piece.byteLength
        at += piece.byteLength
        if (filled < buffer.byteLength) continue
        yield buffer
        part += 1
        buffer = Buffer.allocUnsafe(sizeOf(part))
        filled = 0
      }
    }
    if (bytes !== undefined && total !== bytes) throw wrongLength(total, bytes)
    if (filled > 0 || part === 1) yield buffer.subarray(0, filled)
  } finally {
    signal?.removeEventListener('abort', abort)
    await reader.cancel().catch(() => undefined)
  }
}

/** What was read ahead, then the rest. */
export async function* resumed<Item>(ahead: readonly Item[], rest: AsyncGenerator<Item>): AsyncGenerator<Item> {
  yield* ahead
  yield* rest
}

const wrongLength = (came: number, announced: number): CatamaranError =>
  new CatamaranError('invalid-request', `${came} bytes came, ${announced} were announced`)

/** Runs `work` for each of `items`, at most `atOnceMax` at a time; the first failure stops it all and is thrown. */
export async function eachAtOnce<Item>(
  items: AsyncIterable<Item> | Iterable<Item>,
  atOnceMax: number,
  work: (item: Item, index: number) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>()
  const failures: unknown[] = []
  let index = 0
  try {
    for await (const item of items) {
      const task: Promise<void> = work(item, index++)
        .catch((error: unknown) => void failures.push(error))
        .finally(() => running.delete(task))
      running.add(task)
      if (running.size >= atOnceMax) await Promise.race(running)
      if (failures.length > 0) break
    }
  } finally {
    await Promise.all(running)
  }
  if (failures.length > 0) throw failures[0]
}
