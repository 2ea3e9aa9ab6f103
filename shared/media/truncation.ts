import { open, stat } from 'node:fs/promises'
import { invalidMedia } from './reasons.ts'

const boxesMax = 100_000

/** Throws `invalid-media` when a container says that it is longer than the file is. */
export async function refuseTruncated(path: string, mediaType: string): Promise<void> {
  const { size } = await stat(path)
  const expected = await statedBytes(path, mediaType, size)
  if (expected !== undefined && expected > size) {
    throw invalidMedia(`The file is cut off: it has ${size} bytes and says it should have ${expected}`)
  }
}

async function statedBytes(path: string, mediaType: string, size: number): Promise<number | undefined> {
  if (/^(video|audio)\/(mp4|quicktime|3gpp2?)$/.test(mediaType)) return walkBoxes(path, size)
  if (mediaType === 'audio/wav' || mediaType === 'video/x-msvideo') return riffBytes(path)
  return undefined
}

/** The end of the last top-level box (ISO/IEC 14496-12, 4.2). */
async function walkBoxes(path: string, size: number): Promise<number> {
  const file = await open(path, 'r')
  try {
    const header = Buffer.alloc(16)
    let position = 0
    for (let boxes = 0; position + 8 <= size && boxes < boxesMax; boxes++) {
      const { bytesRead } = await file.read(header, 0, 16, position)
      const short = header.readUInt32BE(0)
      if (short === 0) return size
      const long = short === 1 && bytesRead === 16 ? Number(header.readBigUInt64BE(8)) : undefined
      const length = long ?? short
      if (length < 8) throw invalidMedia(`The file is damaged: a box of ${length} bytes at ${position}`)
      position += length
    }
    return position
  } finally {
    await file.close()
  }
}

/** The length in a RIFF header; recorders that stream write 0 or all ones. */
async function riffBytes(path: string): Promise<number | undefined> {
  const file = await open(path, 'r')
  try {
    const header = Buffer.alloc(8)
    await file.read(header, 0, 8, 0)
    const length = header.readUInt32LE(4)
    return header.toString('latin1', 0, 4) !== 'RIFF' || length === 0 || length >= 0xffffff00 ? undefined : length + 8
  } finally {
    await file.close()
  }
}
