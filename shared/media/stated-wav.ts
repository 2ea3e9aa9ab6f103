import type { FileHandle } from 'node:fs/promises'
import type { Stated } from './stated.ts'

const chunksMax = 100

/** The samples' bytes, as far as they are there, by the bytes a second that the `fmt ` chunk states. */
export async function statedInWav(file: FileHandle): Promise<Stated> {
  const { size } = await file.stat()
  const header = Buffer.alloc(20)
  let bytesPerSecond = 0
  for (let at = 12, chunks = 0; at + 8 <= size && chunks < chunksMax; chunks++) {
    await file.read(header.fill(0), 0, header.length, at)
    const [name, bytes] = [header.toString('latin1', 0, 4), header.readUInt32LE(4)]
    if (name === 'fmt ') bytesPerSecond = header.readUInt32LE(16)
    if (name === 'data') {
      const there = Math.min(bytes, size - at - 8)
      return bytesPerSecond > 0 ? { durationMs: (there / bytesPerSecond) * 1000 } : {}
    }
    // Chunks begin at even places.
    at += 8 + bytes + (bytes % 2)
  }
  return {}
}
