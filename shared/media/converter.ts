import { basename, join } from 'node:path'
import type {
  ConversionSource,
  ConvertedFile,
  ConvertOptions,
  Inspection,
  MediaConverter,
  Recipe,
} from '../ports/media-converter.ts'
import type { StreamCodec } from '../domain/stream-codecs.ts'
import { asStillAvif } from './avif-still.ts'
import { convertAudio } from './audio.ts'
import { convertData } from './data-convert.ts'
import { inspectData, isDataType } from './data.ts'
import { isTimedMedia } from './ffmpeg-input.ts'
import type { FfmpegRunner } from './ffmpeg.ts'
import { filmMaker } from './film-maker.ts'
import { partPixelsDefault } from './film-plan.ts'
import type { ContainerReader } from './container-reader.ts'
import { heifPixels, inspectHeif, inspectHeifSequence, isHeifSequence, isHeifType } from './heif.ts'
import { convertImage, type ImageWork } from './image-convert.ts'
import type { ImageSource } from './image-decode.ts'
import { convertibleImages, inspectImage } from './image-inspect.ts'
import { playedLoudness } from './loudness.ts'
import { inspectMedia } from './media-inspect.ts'
import { inspectOffice } from './office.ts'
import { convertPdf, inspectPdf, pdfType } from './pdf.ts'
import { readerPool, type ReaderPool } from './reader-pool.ts'
import { invalidMedia } from './reasons.ts'
import { sniffFile, type Sniffed } from './sniff.ts'
import { convertSubtitleFile, inspectSubtitles } from './subtitle-file.ts'
import { isSubtitleType } from './subtitles.ts'
import { convertVideo } from './video.ts'

interface ConverterOptions {
  readonly ffmpeg: FfmpegRunner | undefined
  /** What `findHeifDecoder` found; without it HEIC is stored as it is. */
  readonly heifDecoder?: string | undefined
  /** What one worker encodes of a long film; see `film-plan.ts`. */
  readonly partPixelsMax?: number | undefined
  /** What adaptive streams are encoded in besides H.264, which all players know. */
  readonly codecs?: readonly StreamCodec[] | undefined
}

/**
 * The converter for images, video, audio, documents and data files. Without `ffmpeg` videos that already play on phones are
 * copied into MP4 and everything else timed is stored as it is.
 */
export function mediaConverter(options: ConverterOptions): MediaConverter {
  const { ffmpeg, heifDecoder, partPixelsMax = partPixelsDefault, codecs = [] } = options
  const tools: Tools = { ffmpeg, heifDecoder, partPixelsMax, codecs, readers: readerPool() }
  return {
    ...(ffmpeg && { film: filmMaker({ ffmpeg, partPixelsMax }) }),
    inspect: (source, signal) => inspect(source, tools, signal),
    convert: (source, inspection, work) => convert(source, inspection, tools, work),
  }
}

interface Tools {
  readonly ffmpeg: FfmpegRunner | undefined
  readonly heifDecoder: string | undefined
  readonly partPixelsMax: number
  readonly codecs: readonly StreamCodec[]
  readonly readers: ReaderPool
}

async function inspect(source: ConversionSource, tools: Tools, signal: AbortSignal): Promise<Inspection> {
  signal.throwIfAborted()
  const sniffed = await sniffFile(source.path, source.mediaType)
  const { mediaType } = sniffed
  if (convertibleImages.has(mediaType)) return inspectImage({ path: source.path, mediaType }, signal)
  if (isHeifType(mediaType)) {
    const typed = { path: source.path, mediaType }
    const { heifDecoder: decoder } = tools
    return withReader(tools, source, (reader) => inspectHeif(typed, { reader, decoder, signal }))
  }
  if (isHeifSequence(mediaType)) return inspectHeifSequence(mediaType)
  if (isTimedMedia(mediaType)) {
    const { ffmpeg, codecs, partPixelsMax } = tools
    const film = { ...source, mediaType }
    return withReader(tools, source, (reader) => inspectMedia(film, { ffmpeg, codecs, reader, partPixelsMax }, signal))
  }
  if (mediaType === pdfType) {
    return withReader(tools, source, (reader) => inspectPdf(source, { reader, signal }))
  }
  refuseOther(source.mediaType, sniffed)
  if (isSubtitleType(mediaType)) return inspectSubtitles(source.path, mediaType, source.bytes)
  if (isDataType(mediaType)) return inspectData(source, sniffed, signal)
  return (
    (await inspectOffice(source.path, mediaType)) ?? { mediaType, kind: kindOf(mediaType), properties: {}, recipes: [] }
  )
}

/** The process that looks at a file is kept for its conversion. */
async function withReader(
  { readers }: Tools,
  { path }: ConversionSource,
  work: (reader: ContainerReader) => Promise<Inspection>,
): Promise<Inspection> {
  const reader = readers.take(path)
  try {
    const inspection = await work(reader)
    readers.keep(path, reader)
    return inspection
  } catch (error) {
    reader.close()
    throw error
  }
}

const mediaFamilies = new Set(['image', 'video', 'audio'])
/** Pictures and playlists that are written as plain text and have no mark at their beginning. */
const writtenAsText =
  /^(image\/(svg\+xml|x-xbitmap|x-xpixmap|x-portable-\w+|(vnd\.)?dxf)|(audio|video)\/((x-)?mpegurl|vnd\.mpegurl|x-scpls))$/

/**
 * Bytes that are no known type, sent as a picture, a film, a sound or a PDF, are damaged, and text sent as one is most often the
 * message of a download that failed: nobody is helped by storing them quietly.
 */
function refuseOther(declaredType: string, { mediaType: found, damaged }: Sniffed): void {
  const declared = declaredType.split(';', 1)[0]?.trim().toLowerCase().slice(0, 100) ?? ''
  if (damaged && isDataType(declared)) throw invalidMedia(`The file's ${damaged} packing is damaged or cut off`)
  const family = declared === pdfType ? 'PDF' : (declared.split('/', 1)[0] ?? '')
  if (family !== 'PDF' && !mediaFamilies.has(family)) return
  const isText = found.startsWith('text/') || isDataType(found) || isSubtitleType(found)
  if (isText && !writtenAsText.test(declared)) {
    throw invalidMedia(`The file is declared as ${declared}, but it holds text (${found})`)
  }
  if (found === 'application/octet-stream') {
    throw invalidMedia(`The file is declared as ${declared}, but its bytes are no ${family} that is known`)
  }
}

function kindOf(mediaType: string): Inspection['kind'] {
  if (mediaType.startsWith('image/')) return 'image'
  if (mediaType.startsWith('video/')) return 'video'
  if (mediaType.startsWith('audio/')) return 'audio'
  if (/^text\/|pdf$|officedocument|opendocument|rtf$|epub|msword|x-cfb$|xml$|json$/.test(mediaType)) return 'document'
  return 'other'
}

async function convert(
  source: ConversionSource,
  inspection: Inspection,
  tools: Tools,
  options: ConvertOptions,
): Promise<readonly ConvertedFile[]> {
  options.signal.throwIfAborted()
  const typed = { ...source, mediaType: inspection.mediaType }
  const { recipes } = inspection
  if (recipes.length === 0) return []
  const work = { ...options, onProgress: rising(options.onProgress) }
  const openable = (image: ImageSource): Promise<ImageSource> => openableOf(image, tools, options)
  if (typed.mediaType === pdfType) return convertDocument(typed, recipes, tools, { ...work, openable })
  switch (inspection.kind) {
    case 'image':
      return convertImage(typed, recipes, { ...work, openable })
    case 'video':
    case 'audio':
      return convertTimed(typed, inspection, tools, work)
    case 'data':
      return convertData(source.path, recipes, work)
    case 'document':
      return convertSubtitleFile(source.path, recipes, work)
    case 'other':
      return []
  }
}

async function openableOf(
  source: ImageSource,
  { readers, heifDecoder: decoder }: Tools,
  { workFolder, signal }: ConvertOptions,
): Promise<ImageSource> {
  if (source.mediaType === 'image/avif') {
    const path = await asStillAvif(source.path, join(workFolder, `${basename(source.path)}.still`))
    return { ...source, path }
  }
  if (!isHeifType(source.mediaType)) return source
  const reader = readers.take(source.path)
  try {
    return await heifPixels(source.path, { reader, decoder, signal, workFolder })
  } finally {
    reader.close()
  }
}

async function convertDocument(
  source: ConversionSource,
  recipes: readonly Recipe[],
  { readers }: Tools,
  options: ConvertOptions & Pick<ImageWork, 'openable'>,
): Promise<readonly ConvertedFile[]> {
  const reader = readers.take(source.path)
  try {
    return await convertPdf(source, recipes, { ...options, reader })
  } finally {
    reader.close()
  }
}

async function convertTimed(
  source: ConversionSource,
  { kind, recipes, properties }: Inspection,
  { ffmpeg, readers }: Tools,
  options: ConvertOptions,
): Promise<readonly ConvertedFile[]> {
  const reader = readers.take(source.path)
  try {
    const loudness = playedLoudness(properties)
    if (kind === 'video') return await convertVideo(source, recipes, { ...options, ffmpeg, reader, loudness })
    if (!ffmpeg) throw invalidMedia('No audio converter is installed at this site')
    return await convertAudio(source, recipes, { ...options, ffmpeg, reader, loudness })
  } finally {
    reader.close()
  }
}

/** Progress that never goes back and never leaves 0 to 1. */
function rising(onProgress: ((fraction: number) => void) | undefined): (fraction: number) => void {
  let last = 0
  return (fraction) => {
    if (!(fraction > last)) return
    last = Math.min(1, fraction)
    onProgress?.(last)
  }
}
