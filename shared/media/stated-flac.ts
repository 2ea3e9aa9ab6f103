import type { FileHandle } from 'node:fs/promises'
import { readPart } from './file-parts.ts'
import type { Stated } from './stated.ts'

const tagHeaderBytes = 10
/** The mark, the header of the first block, and of that block as much as tells of the samples. */
const beginBytes = 4 + 4 + 18
const streamInfo = 0

/** The samples of STREAMINFO by their rate, 36 bits and 20 (RFC 9639, 8.2); a stream whose end was not known says 0. */
export async function statedInFlac(file: FileHandle): Promise<Stated> {
  const begin = await readPart(file, await tagBytes(file), beginBytes)
  const isInfo = begin.length === beginBytes && begin.toString('latin1', 0, 4) === 'fLaC'
  if (!isInfo || ((begin[4] ?? 0) & 0x7f) !== streamInfo) return {}
  const rate = begin.readUIntBE(18, 3) >> 4
  const samples = (begin.readUInt8(21) & 15) * 2 ** 32 + begin.readUInt32BE(22)
  return rate > 0 ? { durationMs: (samples / rate) * 1000 } : {}
}

/** Of an ID3v2 tag, which some put in front: its length has seven bits in each byte. */
async function tagBytes(file: FileHandle): Promise<number> {
  const head = await readPart(file, 0, tagHeaderBytes)
  if (head.length < tagHeaderBytes || head.toString('latin1', 0, 3) !== 'ID3') return 0
  const length = [...head.subarray(6)].reduce((sum, byte) => sum * 128 + (byte & 0x7f), 0)
  return tagHeaderBytes + length
}
