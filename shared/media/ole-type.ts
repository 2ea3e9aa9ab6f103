import type { FileHandle } from 'node:fs/promises'
import { readPart, withFile } from './file-parts.ts'

/** The type of a compound file (MS-CFB) by a stream that lies directly in it. */
const typesByStream: Readonly<Record<string, string>> = {
  WordDocument: 'application/msword',
  Workbook: 'application/vnd.ms-excel',
  Book: 'application/vnd.ms-excel',
  'PowerPoint Document': 'application/vnd.ms-powerpoint',
  VisioDocument: 'application/vnd.visio',
  '__properties_version1.0': 'application/vnd.ms-outlook',
}
/** Office puts a document that has a password whole into this one. */
const lockedStream = 'EncryptedPackage'

interface OleEntry {
  readonly name: string
  /** Places in the list of entries. */
  readonly left: number
  readonly right: number
  readonly child: number
}

const [headerBytes, entryBytes] = [512, 128]
const directorySectorsMax = 64
/** As many as a header lists of the sectors that hold the table of sectors; files above 7 MB have more. */
const tablesListed = 109

/** What a compound file is, as far as the first sectors of its directory tell. */
export async function oleFound(path: string): Promise<{ readonly mediaType?: string; readonly isLocked: boolean }> {
  const names = await withFile(path, streamNames)
  const mediaType = names.map((name) => typesByStream[name]).find((type) => type !== undefined)
  return { isLocked: names.includes(lockedStream), ...(mediaType !== undefined && { mediaType }) }
}

/** Of the streams that lie directly in the file: those of a document that is embedded lie deeper. */
async function streamNames(file: FileHandle): Promise<string[]> {
  const entries = await directoryOf(file)
  const names: string[] = []
  const seen = new Set<number>()
  const open = [entries[0]?.child ?? -1]
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const entry = entries[place]
    if (!entry || seen.has(place)) continue
    seen.add(place)
    names.push(entry.name)
    open.push(entry.left, entry.right)
  }
  return names
}

async function directoryOf(file: FileHandle): Promise<OleEntry[]> {
  const header = await readPart(file, 0, headerBytes)
  if (header.length < headerBytes) return []
  // 512 or 4,096 bytes; the header has the first.
  const sectorBytes = header.readUInt16LE(30) === 12 ? 4096 : 512
  const placeOf = (sector: number): number => (sector + 1) * sectorBytes
  const entries: OleEntry[] = []
  let sector = header.readUInt32LE(48)
  for (let count = 0; count < directorySectorsMax; count++) {
    const content = await readPart(file, placeOf(sector), sectorBytes)
    for (let at = 0; at + entryBytes <= content.length; at += entryBytes) entries.push(entryAt(content, at))
    const table = Math.floor(sector / (sectorBytes / 4))
    if (content.length < sectorBytes || table >= tablesListed) break
    const next = await readPart(
      file,
      placeOf(header.readUInt32LE(76 + 4 * table)) + (sector % (sectorBytes / 4)) * 4,
      4,
    )
    if (next.length < 4) break
    sector = next.readUInt32LE(0)
  }
  return entries
}

function entryAt(content: Buffer, at: number): OleEntry {
  const nameBytes = Math.min(64, content.readUInt16LE(at + 64))
  return {
    name: content.toString('utf16le', at, at + Math.max(0, nameBytes - 2)),
    left: content.readUInt32LE(at + 68),
    right: content.readUInt32LE(at + 72),
    child: content.readUInt32LE(at + 76),
  }
}
