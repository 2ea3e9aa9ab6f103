import type { FileHandle } from 'node:fs/promises'
import { invalidMedia } from './reasons.ts'

/** A box of ISO/IEC 14496-12, 4.2: where it begins, its whole length, and its length before the content. */
export interface Box {
  readonly name: string
  readonly at: number
  readonly bytes: number
  readonly headerBytes: number
}

/** The boxes of a file, one after the other. Throws `invalid-media` where one is shorter than its header. */
export async function* fileBoxes(file: FileHandle): AsyncGenerator<Box> {
  const { size } = await file.stat()
  const header = Buffer.alloc(16)
  for (let at = 0; at + 8 <= size; ) {
    await file.read(header, 0, 16, at)
    const box = boxAt(header, 0, size - at)
    yield { ...box, at }
    at += box.bytes
  }
}

/** The boxes inside a part of a buffer; what is longer than the part ends with it. */
export function* boxesIn(data: Buffer, from: number, to: number): Generator<Box> {
  for (let at = from; at + 8 <= to; ) {
    const box = boxAt(data, at, to - at)
    yield box
    at += box.bytes
  }
}

/** The content of the first box along a path of names, such as `mdia`, `mdhd`. */
export function contentOf(data: Buffer, ...path: readonly string[]): Buffer | undefined {
  let content: Buffer | undefined = data
  for (const name of path) {
    const inside: Buffer | undefined = content
    if (!inside) return undefined
    const box: Box | undefined = [...boxesIn(inside, 0, inside.length)].find((each) => each.name === name)
    content = box && inside.subarray(box.at + box.headerBytes, box.at + box.bytes)
  }
  return content
}

/** The box at a place in a buffer, of which `left` bytes are there in all. Throws `invalid-media` when it is shorter than its header. */
export function boxAt(data: Buffer, at: number, left: number): Box {
  const short = data.readUInt32BE(at)
  const isLong = short === 1 && at + 16 <= data.length
  const stated = isLong ? Number(data.readBigUInt64BE(at + 8)) : short === 0 ? left : short
  const headerBytes = isLong ? 16 : 8
  if (stated < headerBytes) throw invalidMedia(`The file is damaged: a box of ${stated} bytes`)
  return { name: data.toString('latin1', at + 4, at + 8), at, bytes: Math.min(stated, left), headerBytes }
}
