import { CatamaranError } from '../domain/errors.ts'
import type { ConversionSource, FilmMaker } from '../ports/media-converter.ts'
import type { ByteRange } from '../ports/object-store.ts'
import type { FfmpegRunner } from './ffmpeg.ts'
import { withFile } from './file-parts.ts'
import { findPackets, isReadAsFound, joinedRanges, readingsOf, type Found } from './film-reading.ts'
import { readMovie, type MovieTrack } from './movie-index.ts'

type Wanted = Parameters<FilmMaker['needs']>[1]

/** What ffmpeg looks at of each track before it says what is in a film: 5 MB, or five seconds. */
const headBytes = 6_000_000
const headUs = 12_000_000
/** Of plain sound, which weighs what nobody has said yet. */
const countedHeadBytes = 256 * 1024

/** See `FilmMaker.needs`. */
export async function neededRanges(
  ffmpeg: FfmpegRunner,
  source: ConversionSource,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<ByteRange[] | undefined> {
  return withFile(source.path, async (file) => {
    const tracks = await readMovie(file)
    if (!tracks) return undefined
    const ranges: ByteRange[] = []
    for (const track of tracks) {
      const head = headOf(track, source.bytes)
      if (!head && (track.handler === 'vide' || track.handler === 'soun')) return undefined
      ranges.push(...(head ?? []))
    }
    const found = wanted && (await foundFor(ffmpeg, source, { ...wanted, tracks, signal }))
    if (wanted && !found) return undefined
    for (const { list, offsets } of found ?? []) {
      for (const [index, first] of offsets.entries()) ranges.push({ first, last: first + (list.bytes[index] ?? 0) - 1 })
    }
    const joined = joinedRanges(ranges)
    return joined.every(({ first, last }) => first >= 0 && last < source.bytes) ? joined : undefined
  })
}

/** Throws `invalid-media` unless ffmpeg reads of an outline what was put there. */
export async function assertReadAsFound(
  ffmpeg: FfmpegRunner,
  source: ConversionSource,
  wanted: NonNullable<Wanted>,
  signal: AbortSignal,
): Promise<void> {
  const isRight = await withFile(source.path, async (file) => {
    const tracks = await readMovie(file)
    const found = tracks && (await foundFor(ffmpeg, source, { ...wanted, tracks, signal }))
    for (const each of found ?? []) if (!(await isReadAsFound(file, each, signal))) return false
    return found !== undefined
  })
  if (!isRight) throw new CatamaranError('invalid-media', 'The index of the film is not to be relied on.')
}

async function foundFor(
  ffmpeg: FfmpegRunner,
  source: ConversionSource,
  {
    plan,
    part,
    ...rest
  }: NonNullable<Wanted> & { readonly tracks: readonly MovieTrack[]; readonly signal: AbortSignal },
): Promise<Found[] | undefined> {
  const [found, readings]: [Found[], ReturnType<typeof readingsOf>] = [[], readingsOf(part, plan)]
  for (const reading of readings ?? []) {
    const each = await findPackets(ffmpeg, source, { ...rest, reading })
    if (!each) return undefined
    found.push(each)
  }
  return readings && found
}

function headOf(track: MovieTrack, fileBytes: number): ByteRange[] | undefined {
  const samples = track.samples()
  if (!samples) return undefined
  const { offsets, sizes, shownUs, isCounted } = samples
  const ranges: ByteRange[] = []
  let bytes = 0
  for (const [index, first] of offsets.entries()) {
    const length = isCounted ? Math.min(countedHeadBytes, fileBytes - first) : (sizes[index] ?? 0)
    if (length > 0) ranges.push({ first, last: first + length - 1 })
    bytes += length
    if (bytes > headBytes || (shownUs[index] ?? 0) - (shownUs[0] ?? 0) > headUs) break
  }
  return ranges
}
