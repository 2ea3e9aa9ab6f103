import { readPart, withFile } from './file-parts.ts'

const [signatureBytes, chunkHeaderBytes, checksumBytes] = [8, 8, 4]
/** A profile and texts may come first. */
const chunksMax = 1_000

/** How many frames a PNG says it has, by the chunk that comes before its first pixels (PNG 3, 11.3.6.1); 1 for most. */
export function framesInPng(path: string): Promise<number> {
  return withFile(path, async (file) => {
    for (let at = signatureBytes, chunks = 0; chunks < chunksMax; chunks++) {
      const head = await readPart(file, at, chunkHeaderBytes + 4)
      const name = head.toString('latin1', 4, 8)
      if (head.length < chunkHeaderBytes + 4 || name === 'IDAT') break
      if (name === 'acTL') return head.readUInt32BE(chunkHeaderBytes)
      at += chunkHeaderBytes + head.readUInt32BE(0) + checksumBytes
    }
    return 1
  })
}
