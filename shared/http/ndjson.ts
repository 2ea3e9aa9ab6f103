import { CatamaranError } from '../domain/errors.ts'

/** One line of newline-delimited JSON: its bytes, or that it is longer than allowed (it was skipped). */
export type Line =
  | { readonly kind: 'line'; readonly number: number; readonly bytes: Uint8Array }
  | { readonly kind: 'too-long'; readonly number: number }

const lineFeed = 0x0a

/** Splits a stream into lines at flat memory. Blank lines are counted but not given. */
export async function* linesOf(stream: ReadableStream<Uint8Array>, lineBytesMax: number): AsyncGenerator<Line> {
  let held: Uint8Array[] = []
  let heldBytes = 0
  let number = 0
  const finish = (): Line | undefined => {
    number += 1
    const bytes = Buffer.concat(held)
    const tooLong = heldBytes > lineBytesMax
    held = []
    heldBytes = 0
    if (tooLong) return { kind: 'too-long', number }
    return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d)
      ? undefined
      : { kind: 'line', number, bytes }
  }
  for await (const chunk of stream) {
    for (let start = 0; start < chunk.length; ) {
      const found = chunk.indexOf(lineFeed, start)
      const end = found < 0 ? chunk.length : found
      heldBytes += end - start
      // The rest of a line that is too long is counted, not kept.
      if (heldBytes <= lineBytesMax) held.push(chunk.subarray(start, end))
      start = end + 1
      const line = found < 0 ? undefined : finish()
      if (line) yield line
    }
  }
  const last = heldBytes > 0 ? finish() : undefined
  if (last) yield last
}

export const lineTooLong = (lineBytesMax: number): CatamaranError =>
  new CatamaranError('too-large', `A line may hold at most ${lineBytesMax} bytes.`)
