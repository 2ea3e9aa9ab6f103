import { open } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import { constants } from 'node:zlib'
import { fileTypeFromBuffer } from 'file-type'
import { sniffText } from './sniff-text.ts'
import { sniffBytes } from './limits.ts'
import { isSubtitleType } from './subtitles.ts'

interface Sniffed {
  /** The true type, or `application/octet-stream`. */
  readonly mediaType: string
  /** The data file inside is packed with gzip. */
  readonly gzip: boolean
}

/** Names of the same type that differ between libraries and registries. */
const canonical: Readonly<Record<string, string>> = {
  'audio/x-m4a': 'audio/mp4',
  'video/x-m4v': 'video/mp4',
  'audio/vnd.wave': 'audio/wav',
  'audio/x-wav': 'audio/wav',
  'audio/x-flac': 'audio/flac',
  'video/vnd.avi': 'video/x-msvideo',
  'video/x-matroska': 'video/matroska',
  'video/MP1S': 'video/mpeg',
  'video/MP2P': 'video/mpeg',
  'audio/ogg; codecs=opus': 'audio/ogg',
  'image/apng': 'image/png',
}

/** What may hide behind a type that file-type finds by looking at text. */
const textTypes = new Set([
  'application/xml',
  'text/xml',
  'text/plain',
  'text/html',
  'text/vcard',
  'text/calendar',
  'application/rtf',
])

/** Finds the type of a local file from its bytes alone; the declared type only chooses among kinds of plain text. */
export async function sniffFile(path: string, declared: string): Promise<Sniffed> {
  const head = await readHead(path, sniffBytes)
  const wide = isWideText(head) ? sniffText(head, declared) : undefined
  if (wide && isSubtitleType(wide.mediaType)) return { mediaType: wide.mediaType, gzip: false }
  const found = await fileTypeFromBuffer(head).catch(() => undefined)
  const mediaType = found && (canonical[found.mime] ?? found.mime)
  if (mediaType === 'application/gzip') {
    const inner = sniffText(unpackHead(head), declared)
    return inner?.data ? { mediaType: inner.mediaType, gzip: true } : { mediaType, gzip: false }
  }
  if (mediaType && !textTypes.has(mediaType)) return { mediaType, gzip: false }
  const text = sniffText(head, declared)
  return { mediaType: text?.mediaType ?? mediaType ?? 'application/octet-stream', gzip: false }
}

/** A byte order mark of UTF-16, which also looks like the beginning of an MP3. */
const isWideText = (head: Buffer): boolean =>
  head[0] === 0xff ? head[1] === 0xfe : head[0] === 0xfe && head[1] === 0xff

async function readHead(path: string, bytes: number): Promise<Buffer> {
  const file = await open(path, 'r')
  try {
    const buffer = Buffer.alloc(bytes)
    let filled = 0
    while (filled < bytes) {
      const { bytesRead } = await file.read(buffer, filled, bytes - filled, filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return buffer.subarray(0, filled)
  } finally {
    await file.close()
  }
}

/** The beginning of what a gzip file holds; empty when it is damaged. A cut-off input is normal here. */
function unpackHead(head: Buffer): Buffer {
  try {
    return gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 128 * sniffBytes }).subarray(
      0,
      sniffBytes,
    )
  } catch {
    return Buffer.alloc(0)
  }
}
