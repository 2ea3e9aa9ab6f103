import { copyFile, mkdir, open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { StreamCodec } from '../../shared/domain/stream-codecs.ts'
import type { JsonObject } from '../../shared/domain/json.ts'
import { mediaConverter } from '../../shared/media/converter.ts'
import { readPart, withFile } from '../../shared/media/file-parts.ts'
import type {
  ConversionSource,
  ConvertedFile,
  FilmMaker,
  FilmPart,
  FilmPlan,
} from '../../shared/ports/media-converter.ts'
import type { ByteRange } from '../../shared/ports/object-store.ts'
import { ffmpeg, never } from './workbench.ts'

export const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv422p', '-bf', '2', '-g', '25']

/** A converter for which some ten seconds of a small film are much. */
export function makerOf(
  partPixelsMax: number,
  codecs: readonly StreamCodec[] = [],
): { converter: ReturnType<typeof mediaConverter>; film: FilmMaker } {
  const converter = mediaConverter({ ffmpeg, partPixelsMax, codecs })
  if (!converter.film) throw new Error('no maker of films')
  return { converter, film: converter.film }
}

export interface Joined {
  readonly plan: FilmPlan
  readonly files: readonly ConvertedFile[]
  /** Of the film as its record has them in the end. */
  readonly properties: JsonObject
  readonly parts: readonly (readonly ConvertedFile[])[]
  /** Bytes of the original that each part had, when none had it whole. */
  readonly laid: readonly number[]
}

interface Making {
  readonly codecs?: readonly StreamCodec[]
  /** No worker has more of the original than it asks for. */
  readonly isLaid?: boolean
}

/** Plans, makes every part in a folder of its own, and joins them, as workers would. */
export async function inParts(path: string, partPixelsMax: number, { codecs, isLaid }: Making = {}): Promise<Joined> {
  const { converter, film } = makerOf(partPixelsMax, codecs)
  const whole = { path, mediaType: 'application/octet-stream', bytes: (await stat(path)).size }
  const found = isLaid ? (await outlineOf(film, whole, `${path}-outline`)).source : whole
  const inspection = await converter.inspect(found, never())
  const source = { ...found, mediaType: inspection.mediaType }
  const plan = await film.plan(source, inspection, never())
  if (!plan) throw new Error('made in one go')
  const folder = async (name: string): Promise<string> => {
    const at = `${path}-${name}`
    await mkdir(at)
    return at
  }
  const parts: (readonly ConvertedFile[])[] = []
  const laid: number[] = []
  for (const [index, part] of plan.parts.entries()) {
    const workFolder = await folder(String(index))
    const from = isLaid && (await outlineOf(film, { ...source, path }, join(workFolder, 'source'), { plan, part }))
    if (from) laid.push(from.bytes)
    parts.push(await film.make(from ? from.source : source, plan, part, { workFolder, signal: never() }))
  }
  const workFolder = await folder('whole')
  const fetch = async (part: number, name: string): Promise<ConvertedFile | undefined> => {
    const file = parts[part]?.find(({ recipe }) => recipe.name === name)
    if (!file) return undefined
    const copy = join(workFolder, `fetched-${part}-${name}`)
    await copyFile(file.path, copy)
    return { ...file, path: copy }
  }
  const joined = await film.join(plan, fetch, { workFolder, signal: never() })
  return { plan, parts, laid, files: joined.files, properties: { ...inspection.properties, ...joined.properties } }
}

/** A file that holds of a film only what its maker asks for, and how much that is. */
export async function outlineOf(
  film: FilmMaker,
  { path, mediaType, bytes }: ConversionSource,
  to: string,
  wanted?: { readonly plan: FilmPlan; readonly part: FilmPart },
): Promise<{ source: ConversionSource; bytes: number }> {
  return withFile(path, async (from) => {
    const read = ({ first, last }: ByteRange): Promise<Buffer> => readPart(from, first, last - first + 1)
    const file = await open(to, 'w+')
    let laid = 0
    const lay = async (ranges: readonly ByteRange[] | undefined): Promise<void> => {
      if (!ranges) throw new Error('it takes the whole film')
      for (const range of ranges) {
        const data = await read(range)
        await file.write(data, 0, data.length, range.first)
        laid += data.length
      }
    }
    try {
      await file.truncate(bytes)
      await lay(await film.outline(bytes, read))
      const source = { path: to, mediaType, bytes, isOutline: true } as const
      await lay(await film.needs(source, wanted, never()))
      return { source, bytes: laid }
    } finally {
      await file.close()
    }
  })
}

/** Numbers as the stretches in which each is one more than the one before. */
export const spans = (numbers: readonly number[]): string =>
  numbers
    .map((number, at) =>
      number === (numbers[at - 1] ?? -2) + 1 ? '' : `${at > 0 ? `-${numbers[at - 1]} ` : ''}${number}`,
    )
    .join('') + `-${numbers.at(-1)}`

export const picturesOf = ({ parts }: FilmPlan) => parts.filter((part) => part.kind === 'picture')
