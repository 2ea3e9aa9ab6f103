import type { FileHandle } from 'node:fs/promises'

/** Rows of interleaved bytes, red first, and alpha last where there are four channels. */
export interface PlainPicture {
  readonly width: number
  readonly height: number
  readonly channels: 3 | 4
  /** As long as one row or longer. */
  row(index: number): Uint8Array
  readonly icc?: Uint8Array | undefined
}

const rowsPerStrip = 64
const [shortType, longType, undefinedType] = [3, 4, 7]
const typeBytes: Readonly<Record<number, number>> = { [shortType]: 2, [longType]: 4, [undefinedType]: 1 }
const entryBytes = 12

interface Tag {
  readonly tag: number
  readonly type: number
  readonly values: readonly number[] | Uint8Array
}

/** Writes an uncompressed TIFF 6.0, which libvips reads strip by strip, and which unlike bare pixels can carry a profile. */
export async function writePlainTiff(file: FileHandle, picture: PlainPicture): Promise<void> {
  const { width, height, channels } = picture
  const strips = Math.ceil(height / rowsPerStrip)
  const rowBytes = width * channels
  const rowsIn = (strip: number): number => Math.min(rowsPerStrip, height - strip * rowsPerStrip)
  const sizes = Array.from({ length: strips }, (_, strip) => rowsIn(strip) * rowBytes)
  const pixelsAt = headOf(picture, sizes, 0).length
  await file.write(headOf(picture, sizes, pixelsAt))
  for (let strip = 0; strip < strips; strip++) {
    const bytes = Buffer.allocUnsafe(rowsIn(strip) * rowBytes)
    for (let row = 0; row < rowsIn(strip); row++) {
      bytes.set(picture.row(strip * rowsPerStrip + row).subarray(0, rowBytes), row * rowBytes)
    }
    await file.write(bytes)
  }
}

/** The directory and what it points to; it is as long whatever `pixelsAt` is. */
function headOf({ width, height, channels, icc }: PlainPicture, sizes: readonly number[], pixelsAt: number): Buffer {
  let at = pixelsAt
  const places = sizes.map((size) => (at += size) - size)
  return directory([
    { tag: 256, type: longType, values: [width] },
    { tag: 257, type: longType, values: [height] },
    { tag: 258, type: shortType, values: Array.from({ length: channels }, () => 8) },
    { tag: 259, type: shortType, values: [1] },
    { tag: 262, type: shortType, values: [2] },
    { tag: 273, type: longType, values: places },
    { tag: 277, type: shortType, values: [channels] },
    { tag: 278, type: longType, values: [rowsPerStrip] },
    { tag: 279, type: longType, values: sizes },
    { tag: 284, type: shortType, values: [1] },
    ...(channels === 4 ? [{ tag: 338, type: shortType, values: [2] }] : []),
    ...(icc ? [{ tag: 34_675, type: undefinedType, values: icc }] : []),
  ])
}

/** Values of up to four bytes lie in the entry itself. */
function directory(tags: readonly Tag[]): Buffer {
  const head = Buffer.alloc(8 + 2 + tags.length * entryBytes + 4)
  head.write('II*\0', 'latin1')
  head.writeUInt32LE(8, 4)
  head.writeUInt16LE(tags.length, 8)
  const parts = [head]
  let end = head.length
  for (const [index, { tag, type, values }] of tags.entries()) {
    const at = 10 + index * entryBytes
    const bytes = packed(values, typeBytes[type] ?? 1)
    head.writeUInt16LE(tag, at)
    head.writeUInt16LE(type, at + 2)
    head.writeUInt32LE(values.length, at + 4)
    if (bytes.length <= 4) bytes.copy(head, at + 8)
    else {
      const even = Buffer.concat([bytes, Buffer.alloc(bytes.length % 2)])
      head.writeUInt32LE(end, at + 8)
      parts.push(even)
      end += even.length
    }
  }
  return Buffer.concat(parts)
}

function packed(values: Tag['values'], bytesEach: number): Buffer {
  if (values instanceof Uint8Array) return Buffer.from(values)
  const bytes = Buffer.alloc(values.length * bytesEach)
  for (const [index, value] of values.entries()) bytes.writeUIntLE(value, index * bytesEach, bytesEach)
  return bytes
}
