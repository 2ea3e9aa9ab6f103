import { basename, join } from 'node:path'
import type { ConversionSource, Inspection } from '../ports/media-converter.ts'
import type { ContainerReader } from './container-reader.ts'
import { isHevc, readHeifHeader } from './heif-header.ts'
import type { HeifFound } from './heif-reading.ts'
import type { ImageSource } from './image-decode.ts'
import { inspectImage } from './image-inspect.ts'
import { decoding, invalidMedia } from './reasons.ts'

/** What HEIC and HEIF are read with: a process, and the decoder in it, where somebody installed one. */
interface HeifTools {
  readonly reader: ContainerReader
  readonly decoder: string | undefined
  readonly signal: AbortSignal
}

const heifTypes = new Set(['image/heic', 'image/heif'])
const pixelType = 'image/tiff'

export const isHeifType = (mediaType: string): boolean => heifTypes.has(mediaType)

const sequenceTypes = new Set(['image/heic-sequence', 'image/heif-sequence'])

export const isHeifSequence = (mediaType: string): boolean => sequenceTypes.has(mediaType)

/** Kept as it is: its pictures are a film, which is no work of the picture decoder. */
export const inspectHeifSequence = (mediaType: string): Inspection =>
  stored(mediaType, 'The image is a sequence, of which nothing is decoded in HEIF: it is kept as it is')

const stored = (mediaType: string, note: string): Inspection => ({
  mediaType,
  kind: 'image',
  properties: { note },
  recipes: [],
})

/**
 * Looks at a HEIF file: what it says of its size first, then at all its pixels, which stay beside the file until it is converted.
 * Without a decoder, and when its picture is in no HEVC, it is stored as it is, and says so.
 */
export async function inspectHeif(
  { path, mediaType }: Pick<ConversionSource, 'path' | 'mediaType'>,
  { reader, decoder, signal }: HeifTools,
): Promise<Inspection> {
  if (decoder === undefined) {
    return stored(mediaType, 'No decoder for HEIC is installed at this site: the image is kept as it is')
  }
  const header = await decoding('The image', signal, () => readHeifHeader(path))
  if (!isHevc(header)) {
    return stored(mediaType, 'The image is in no HEVC, which is all that is decoded of HEIF: it is kept as it is')
  }
  const target = `${path}.pixels`
  const found = await decoding('The image', signal, () => reader.heif({ path, target, decoder }, signal))
  const inspection = await inspectImage({ path: target, mediaType: pixelType, said: bytesOf(found) }, signal)
  const hdr = found.hdr && { hdr: found.hdr, toneMapped: true }
  return { ...inspection, mediaType, properties: { ...inspection.properties, ...hdr } }
}

const bytesOf = ({ exif, xmp }: HeifFound): { exif?: Buffer; xmp?: Buffer } => ({
  ...(exif !== undefined && { exif: Buffer.from(exif, 'base64') }),
  ...(xmp !== undefined && { xmp: Buffer.from(xmp, 'base64') }),
})

/** A HEIF file's pixels as a file that libvips opens. */
export async function heifPixels(
  path: string,
  { reader, decoder, signal, workFolder }: HeifTools & { readonly workFolder: string },
): Promise<ImageSource> {
  if (decoder === undefined) throw invalidMedia('No decoder for HEIC is installed at this site')
  const target = join(workFolder, `${basename(path)}.tiff`)
  await decoding('The image', signal, () => reader.heif({ path, target, decoder }, signal))
  return { path: target, mediaType: pixelType }
}
