import { fileTypeFromBuffer } from 'file-type'
import { errorCode } from '../data/error-code.ts'
import { packingOf, unpacked, type Packing } from '../data/unpack.ts'
import { isCatamaranError } from '../domain/errors.ts'
import { readPart, withFile } from './file-parts.ts'
import { heifTypeOf } from './heif-brands.ts'
import { zipType } from './office.ts'
import { oleFound } from './ole-type.ts'
import { sniffText } from './sniff-text.ts'
import { packedSniffBytes, sniffBytes } from './limits.ts'
import { isSubtitleType } from './subtitles.ts'
import { isBorneOut } from './weak-marks.ts'

export interface Sniffed {
  /** The true type, or `application/octet-stream`. */
  readonly mediaType: string
  /** How the data file inside is packed. */
  readonly packing?: Packing
  /** Its packing, when that is damaged or cut off. */
  readonly damaged?: Packing
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
const textTypes = new Set(['application/xml', 'text/xml', 'text/plain', 'text/html', 'text/vcard', 'text/calendar'])

/** Finds the type of a local file from its bytes alone; the declared type only chooses among kinds of plain text. */
export async function sniffFile(path: string, declared: string): Promise<Sniffed> {
  const head = await withFile(path, (file) => readPart(file, 0, sniffBytes))
  const wide = isWideText(head) ? sniffText(head, declared) : undefined
  if (wide && isSubtitleType(wide.mediaType)) return { mediaType: wide.mediaType }
  const mediaType = await markedType(head, declared)
  const packing = packingOf(head)
  if (packing) {
    const packed = await withFile(path, (file) => readPart(file, 0, packedSniffBytes))
    const inner = await unpackHead(packed)
    const text = sniffText(inner.bytes, declared)
    if (text?.data) return { mediaType: text.mediaType, packing }
    // A file that is longer than what was read of it has to end in the middle.
    const isDamaged = inner.end === 'damaged' || (inner.end === 'cut' && packed.length < packedSniffBytes)
    return { mediaType: mediaType ?? `application/${packing}`, ...(isDamaged && { damaged: packing }) }
  }
  if (mediaType === 'application/zip') return { mediaType: (await zipType(path)) ?? mediaType }
  if (mediaType === 'application/x-cfb') return { mediaType: (await oleFound(path)).mediaType ?? mediaType }
  if (mediaType && !textTypes.has(mediaType)) return { mediaType }
  const text = sniffText(head, declared)
  return { mediaType: text?.mediaType ?? mediaType ?? 'application/octet-stream' }
}

/** What the mark at the beginning says. A short one that nothing bears out is believed only when media was declared. */
async function markedType(head: Buffer, declared: string): Promise<string | undefined> {
  const picture = heifTypeOf(head)
  if (picture) return picture
  const found = await fileTypeFromBuffer(head).catch(() => undefined)
  const mediaType = found && (canonical[found.mime] ?? found.mime)
  if (!mediaType && isLatePdf(head, declared)) return 'application/pdf'
  if (!mediaType || isBorneOut(mediaType, head)) return mediaType
  return /^(audio|video)\//i.test(declared.trim()) ? mediaType : undefined
}

/** Mail programs and printers write something in front of a PDF, and readers look this far for its mark. */
const pdfMarkBytesMax = 1024

const isLatePdf = (head: Buffer, declared: string): boolean =>
  /^application\/pdf\b/i.test(declared.trim()) && head.subarray(0, pdfMarkBytesMax).includes('%PDF-')

/** A byte order mark of UTF-16, which also looks like the beginning of an MP3. */
const isWideText = (head: Buffer): boolean =>
  head[0] === 0xff ? head[1] === 0xfe : head[0] === 0xfe && head[1] === 0xff

interface UnpackedHead {
  readonly bytes: Buffer
  readonly end: 'whole' | 'cut' | 'damaged'
}

/** The beginning of what a packed file holds, as far as it can be unpacked. */
async function unpackHead(head: Buffer): Promise<UnpackedHead> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  let end: UnpackedHead['end'] = 'whole'
  try {
    for await (const chunk of unpacked(once(head))) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes >= sniffBytes) break
    }
  } catch (error) {
    // What came before the fault is looked at.
    end = isCutOff(error) ? 'cut' : 'damaged'
  }
  return { bytes: Buffer.concat(chunks).subarray(0, sniffBytes), end }
}

/** Node tells of both packings in zlib's words when their input ends too early. */
const isCutOff = (error: unknown): boolean => isCatamaranError(error) && errorCode(error.cause) === 'Z_BUF_ERROR'

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
