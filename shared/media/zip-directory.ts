import type { FileHandle } from 'node:fs/promises'
import { promisify } from 'node:util'
import { inflateRaw } from 'node:zlib'
import { readPart } from './file-parts.ts'

interface ZipEntry {
  readonly name: string
  readonly method: number
  readonly packedBytes: number
  /** Where its own header begins. */
  readonly at: number
}

const [endMark, entryMark, headerMark] = [0x06054b50, 0x02014b50, 0x04034b50]
const [endBytes, entryBytes, headerBytes] = [22, 46, 30]
const commentBytesMax = 65_535
const directoryBytesMax = 1024 ** 2
const entriesMax = 10_000
const [stored, deflated] = [0, 8]

/**
 * What is in a zip file by its directory at the end (APPNOTE 6.3.10, 4.3.12), without unpacking anything: the first ten
 * thousand names of the first mebibyte. Empty for what has no such directory, or one of ZIP64.
 */
export async function zipDirectory(file: FileHandle): Promise<ReadonlyMap<string, ZipEntry>> {
  const { size } = await file.stat()
  const tailAt = Math.max(0, size - endBytes - commentBytesMax)
  const tail = await readPart(file, tailAt, size - tailAt)
  const entries = new Map<string, ZipEntry>()
  const end = tail.lastIndexOf(marked(endMark))
  if (end < 0 || end + endBytes > tail.length) return entries
  const directory = await readPart(
    file,
    tail.readUInt32LE(end + 16),
    Math.min(directoryBytesMax, tail.readUInt32LE(end + 12)),
  )
  let at = 0
  while (at + entryBytes <= directory.length && entries.size < entriesMax) {
    if (directory.readUInt32LE(at) !== entryMark) break
    const nameEnd = at + entryBytes + directory.readUInt16LE(at + 28)
    const name = directory.toString('utf8', at + entryBytes, nameEnd)
    const entry = {
      name,
      method: directory.readUInt16LE(at + 10),
      packedBytes: directory.readUInt32LE(at + 20),
      at: directory.readUInt32LE(at + 42),
    }
    if (!entries.has(name)) entries.set(name, entry)
    at = nameEnd + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32)
  }
  return entries
}

const marked = (mark: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(mark)
  return bytes
}

/** The content of a small entry; undefined for one that is damaged, encrypted, or larger than `bytesMax` unpacked. */
export async function zipContent(
  file: FileHandle,
  entry: ZipEntry | undefined,
  bytesMax: number,
): Promise<Buffer | undefined> {
  if (!entry || entry.packedBytes > bytesMax) return undefined
  const header = await readPart(file, entry.at, headerBytes)
  if (header.length < headerBytes || header.readUInt32LE(0) !== headerMark) return undefined
  const dataAt = entry.at + headerBytes + header.readUInt16LE(26) + header.readUInt16LE(28)
  const packed = await readPart(file, dataAt, entry.packedBytes)
  if (entry.method === stored) return packed
  if (entry.method !== deflated) return undefined
  return promisify(inflateRaw)(packed, { maxOutputLength: bytesMax }).catch(() => undefined)
}
