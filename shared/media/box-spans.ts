import type { FileHandle } from 'node:fs/promises'

/** Where in a file the content of a box lies (ISO/IEC 14496-12, 4.2). */
export interface Span {
  readonly name: string
  readonly from: number
  readonly to: number
}

const boxesMax = 1_000
/** Enough of every box that states a duration, a size or a count, in either version. */
const fieldBytes = 100

/**
 * The boxes that follow each other within a part of a file, read by their headers alone. Ends at the first that cannot be: whether
 * the file is whole is looked at elsewhere.
 */
export async function spansIn(file: FileHandle, { from, to }: Omit<Span, 'name'>): Promise<Span[]> {
  const found: Span[] = []
  const header = Buffer.alloc(16)
  for (let at = from; at + 8 <= to && found.length < boxesMax; ) {
    await file.read(header.fill(0), 0, 16, at)
    const short = header.readUInt32BE(0)
    const bytes = short === 1 ? Number(header.readBigUInt64BE(8)) : short === 0 ? to - at : short
    const headerBytes = short === 1 ? 16 : 8
    if (bytes < headerBytes) break
    found.push({ name: header.toString('latin1', 4, 8), from: at + headerBytes, to: Math.min(to, at + bytes) })
    at += bytes
  }
  return found
}

/** The first span along a path of names, such as `mdia`, `hdlr`. */
export async function spanAlong(
  file: FileHandle,
  within: Omit<Span, 'name'>,
  ...path: readonly string[]
): Promise<Span | undefined> {
  let found: Omit<Span, 'name'> | undefined = within
  for (const name of path) found = found && (await spansIn(file, found)).find((each) => each.name === name)
  return found as Span | undefined
}

/** The beginning of a box's content; what is cut off counts as zeros. */
export async function fieldsOf(file: FileHandle, { from }: Span): Promise<Buffer> {
  const { buffer } = await file.read(Buffer.alloc(fieldBytes), 0, fieldBytes, from)
  return buffer
}
