import { readPart, withFile } from './file-parts.ts'
import { sniffBytes } from './limits.ts'

const [signatureBytes, chunkHeaderBytes, checksumBytes] = [8, 8, 4]

/** How many frames a PNG says it has, by the chunk that comes before its first pixels (PNG 3, 11.3.6.1); 1 for most. */
export async function framesInPng(path: string): Promise<number> {
  const head = await withFile(path, (file) => readPart(file, 0, sniffBytes))
  for (let at = signatureBytes; at + chunkHeaderBytes + 4 <= head.length; ) {
    const [bytes, name] = [head.readUInt32BE(at), head.toString('latin1', at + 4, at + 8)]
    if (name === 'IDAT') break
    if (name === 'acTL') return head.readUInt32BE(at + chunkHeaderBytes)
    at += chunkHeaderBytes + bytes + checksumBytes
  }
  return 1
}
