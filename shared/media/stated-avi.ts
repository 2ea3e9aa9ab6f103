import type { Stated } from './stated.ts'

const [riffHeaderBytes, chunkHeaderBytes, listHeaderBytes] = [12, 8, 12]
const chunksMax = 500
const bitmapBytesMin = 40

/** The frames of the main header, and the size that each picture track states, as far as they stand in the beginning of the file. */
export function statedInAvi(head: Buffer): Stated {
  const sizes: { width: number; height: number }[] = []
  let durationMs = 0
  for (let at = riffHeaderBytes, chunks = 0; at + listHeaderBytes <= head.length && chunks < chunksMax; chunks++) {
    const [name, bytes] = [head.toString('latin1', at, at + 4), head.readUInt32LE(at + 4)]
    // What is in a list comes next, and so does what follows it.
    if (name === 'LIST') {
      if (head.toString('latin1', at + 8, at + 12) === 'movi') break
      at += listHeaderBytes
      continue
    }
    const content = head.subarray(at + chunkHeaderBytes, at + chunkHeaderBytes + bytes)
    if (name === 'avih' && content.length >= 40) {
      durationMs = (content.readUInt32LE(0) * content.readUInt32LE(16)) / 1000
      sizes.push({ width: content.readUInt32LE(32), height: content.readUInt32LE(36) })
    }
    if (name === 'strf' && isBitmap(content)) {
      // A picture that is stored from its top has a height below zero.
      sizes.push({ width: Math.abs(content.readInt32LE(4)), height: Math.abs(content.readInt32LE(8)) })
    }
    at += chunkHeaderBytes + bytes + (bytes % 2)
  }
  return { durationMs, sizes }
}

/** The header of a bitmap begins with its own length; that of a sound, as long at times, with something else. */
const isBitmap = (content: Buffer): boolean =>
  content.length >= bitmapBytesMin &&
  content.readUInt32LE(0) >= bitmapBytesMin &&
  content.readUInt32LE(0) <= content.length
