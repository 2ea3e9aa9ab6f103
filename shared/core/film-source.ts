import { open, rm, type FileHandle } from 'node:fs/promises'
import type { MediaBody } from '../domain/asset.ts'
import { CatamaranError, hasCode } from '../domain/errors.ts'
import type { ConversionSource, FilmMaker, FilmPart, FilmPlan } from '../ports/media-converter.ts'
import type { ByteRange } from '../ports/object-store.ts'
import { forEachOf } from './each.ts'
import { fetchOriginal } from './fetch-original.ts'
import type { Film } from './film-parts.ts'
import { openPinned, type PinnedObject } from './pinned-object.ts'
import type { Services } from './services.ts'
import { assertRoomFor, workFileBytesMax } from './work-room.ts'
import type { WorkTools } from './work-tools.ts'

interface Laying {
  readonly maker: FilmMaker
  readonly path: string
  readonly mediaType: string
  /** Without it, what it takes to inspect and plan. */
  readonly wanted?: { readonly plan: FilmPlan; readonly part: FilmPart }
  readonly signal: AbortSignal
}

/**
 * A film as a local file that holds only what is needed of it; undefined where it takes all of it, and then there is no file. Throws
 * `unavailable` when the object has other bytes by now, and `too-large` when even so much has no room.
 */
export async function layFilm(
  services: Services,
  work: WorkTools,
  film: PinnedObject,
  { maker, path, mediaType, wanted, signal }: Laying,
): Promise<ConversionSource | undefined> {
  const outline = await maker.outline(film.bytes, (range) => readAll(services, film, range, signal))
  if (!outline) return undefined
  const source = { path, mediaType, bytes: film.bytes, isOutline: true } as const
  const file = await open(path, 'w+')
  let isLaid = false
  try {
    // No room is taken by what is never written.
    await file.truncate(film.bytes)
    const lay = async (ranges: readonly ByteRange[]): Promise<void> => {
      await assertRoomFor(
        work,
        ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0),
      )
      await forEachOf(requestsFor(ranges), requestsAtOnce, (request) =>
        layRanges(services, film, file, { request, signal }),
      )
    }
    await lay(outline)
    const needed = await maker.needs(source, wanted, signal)
    if (needed) await lay(needed)
    isLaid = needed !== undefined
  } finally {
    await file.close()
    if (!isLaid) await rm(path, { force: true })
  }
  return isLaid ? source : undefined
}

/** One reading of the store takes in what lies between ranges when that is little: it is read and forgotten. */
const gapBytesMax = 128 * 1024
const requestBytesMax = 16 * 2 ** 20
const requestsAtOnce = 6
const triesMax = 4
const pauseMs = 200

/** Ranges of one reading, in order. */
type Request = readonly [ByteRange, ...ByteRange[]]

/** Groups ranges that lie near each other, and cuts long ones. */
function requestsFor(ranges: readonly ByteRange[]): Request[] {
  const requests: [ByteRange, ...ByteRange[]][] = []
  for (const { first: from, last: to } of ranges) {
    for (let first = from; first <= to; first += requestBytesMax) {
      const range = { first, last: Math.min(to, first + requestBytesMax - 1) }
      const open = requests.at(-1)
      const isNear = open && range.first - lastOf(open) <= gapBytesMax && range.last - open[0].first < requestBytesMax
      if (isNear) open.push(range)
      else requests.push([range])
    }
  }
  return requests
}

const lastOf = (request: Request): number => request.at(-1)?.last ?? request[0].last

/** A connection may end at any time: then it is begun anew. */
async function layRanges(
  services: Services,
  film: PinnedObject,
  file: FileHandle,
  { request, signal }: { readonly request: Request; readonly signal: AbortSignal },
): Promise<void> {
  const range = { first: request[0].first, last: lastOf(request) }
  for (let attempt = 1; ; attempt++) {
    try {
      let at = range.first
      for await (const chunk of await openPinned(services, film, range, signal)) {
        signal.throwIfAborted()
        await layChunk(file, request, { at, chunk })
        at += chunk.byteLength
      }
      if (at === range.last + 1) return
      throw new CatamaranError('unavailable', `The store gave ${at - range.first} bytes of a range.`)
    } catch (error) {
      signal.throwIfAborted()
      if (attempt >= triesMax) throw error
      await services.clock.sleep(pauseMs * 2 ** (attempt - 1), signal)
    }
  }
}

/** Of a chunk, writes what is wanted. */
async function layChunk(
  file: FileHandle,
  request: Request,
  { at, chunk }: { readonly at: number; readonly chunk: Uint8Array },
): Promise<void> {
  for (const { first, last } of request) {
    const [from, to] = [Math.max(first, at), Math.min(last + 1, at + chunk.byteLength)]
    if (from < to) await file.write(chunk, from - at, to - from, from)
  }
}

async function readAll(
  services: Services,
  film: PinnedObject,
  range: ByteRange,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of await openPinned(services, film, range, signal)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

interface PartSource {
  readonly media: MediaBody
  readonly mediaType: string
  readonly path: string
  readonly maker: FilmMaker
  readonly wanted: { readonly plan: FilmPlan; readonly part: FilmPart }
  readonly pinned: Film['pinned']
  readonly signal: AbortSignal
}

/**
 * Has `make` work on what a part needs of a film, where that can be told, or on the whole original. A film of which other bytes are
 * read than its index says, as of a damaged one, is tried once more as a whole, where there is room for that.
 */
export async function withPartSource<Result>(
  services: Services,
  work: WorkTools,
  { media, mediaType, path, maker, wanted, pinned, signal }: PartSource,
  make: (source: ConversionSource) => Promise<Result>,
): Promise<Result> {
  const { objectKey, bytes = 0, sha256 } = media
  const here = objectKey === undefined ? undefined : await services.objects.head(objectKey)
  // Whoever could change the object could change its metadata with it; a copy at the other site was verified when it came.
  const isPinned = pinned?.site !== services.site || pinned.etag === here?.etag
  const isVerified = isPinned && here && here.bytes === bytes && here.metadata['sha256'] === sha256
  const laid = isVerified && (await layFilm(services, work, here, { maker, path, mediaType, wanted, signal }))
  if (laid) {
    try {
      return await make(laid)
    } catch (error) {
      if (!hasCode(error, 'invalid-media') || bytes > (await workFileBytesMax(work))) throw error
      await rm(path, { force: true })
    }
  }
  return make({ path, mediaType, bytes: await fetchOriginal(services, work, { media, path, signal }) })
}
