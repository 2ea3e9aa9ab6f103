import type { FileHandle } from 'node:fs/promises'
import { readPart } from './file-parts.ts'
import type { Stated } from './stated.ts'

const formBytes = 12
const chunkHeaderBytes = 8
/** Of the common chunk, as much as tells of the frames. */
const commonBytes = 18
const chunksMax = 100

/** The frames of the `COMM` chunk by their rate (Audio Interchange File Format 1.3, Apple, 1989). */
export async function statedInAiff(file: FileHandle): Promise<Stated> {
  for (let at = formBytes, chunks = 0; chunks < chunksMax; chunks++) {
    const chunk = await readPart(file, at, chunkHeaderBytes + commonBytes)
    if (chunk.length < chunkHeaderBytes + commonBytes) break
    const bytes = chunk.readUInt32BE(4)
    if (chunk.toString('latin1', 0, 4) === 'COMM') {
      const rate = extended(chunk.subarray(chunkHeaderBytes + 8))
      return rate > 0 ? { durationMs: (chunk.readUInt32BE(chunkHeaderBytes + 2) / rate) * 1000 } : {}
    }
    // Chunks begin at even places.
    at += chunkHeaderBytes + bytes + (bytes % 2)
  }
  return {}
}

/** An extended number of IEEE 754 in 80 bits, of whose fraction the upper half is read; below 0 and no number at all is 0. */
function extended(data: Buffer): number {
  const exponent = data.readUInt16BE(0)
  const value = data.readUInt32BE(2) * 2 ** (exponent - 16_383 - 31)
  return Number.isFinite(value) ? value : 0
}
