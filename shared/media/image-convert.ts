import type { Sharp } from 'sharp'
import type { ConvertedFile, Recipe } from '../ports/media-converter.ts'
import { finishFile, partPath } from './output.ts'
import { decoding, invalidMedia } from './reasons.ts'
import { cores, openImage, openPixels, toPixels, type Pixels } from './sharp-safe.ts'

interface Work {
  readonly workFolder: string
  readonly signal: AbortSignal
  readonly onProgress?: (fraction: number) => void
}

const formats = {
  // Tune, quality and effort are pinned together: the defaults of another release would change size and time.
  avif: { mediaType: 'image/avif', encode: (image: Sharp) => image.avif({ quality: 55, effort: 3, tune: 'iq' }) },
  webp: { mediaType: 'image/webp', encode: (image: Sharp) => image.webp({ quality: 80, effort: 3, alphaQuality: 90 }) },
  jpeg: { mediaType: 'image/jpeg', encode: (image: Sharp) => image.jpeg({ quality: 80, progressive: true }) },
  png: { mediaType: 'image/png', encode: (image: Sharp) => image.png({ compressionLevel: 9 }) },
} as const

type Format = keyof typeof formats

const isFormat = (name: unknown): name is Format => typeof name === 'string' && Object.hasOwn(formats, name)

/** One decode at the largest width wanted, then each width from the next larger one, then every encode from pixels. */
export async function convertImage(path: string, recipes: readonly Recipe[], work: Work): Promise<ConvertedFile[]> {
  const moving = recipes.filter((recipe) => recipe.options.animated === true)
  const still = recipes.filter((recipe) => recipe.options.animated !== true)
  const pixels = await cascade(path, still, work.signal)
  let done = 0
  const step = (file: ConvertedFile): ConvertedFile => {
    work.onProgress?.(++done / recipes.length)
    return file
  }
  const files = await inParallel(still, cores, async (recipe) => {
    const source = pixels.get(widthOf(recipe))
    if (!source) throw invalidMedia(`No pixels for ${recipe.name}`)
    const { encode, mediaType } = formatOf(recipe)
    return step(await write(recipe, mediaType, encode(openPixels(source)), work, source.height))
  })
  for (const recipe of moving) {
    const { encode, mediaType } = formatOf(recipe)
    const image = openImage(path, { animated: true }).resize({ width: widthOf(recipe), withoutEnlargement: true })
    files.push(step(await write(recipe, mediaType, encode(image), work)))
  }
  return files
}

/** The picture at every width asked for, upright, in sRGB, without any metadata. */
async function cascade(path: string, recipes: readonly Recipe[], signal: AbortSignal): Promise<Map<number, Pixels>> {
  const widths = [...new Set(recipes.map(widthOf))].sort((a, b) => b - a)
  const pixels = new Map<number, Pixels>()
  let larger: Pixels | undefined
  for (const width of widths) {
    const image = larger ? openPixels(larger) : openImage(path, { page: 0 }).autoOrient()
    larger = await decoding('The image', signal, () => toPixels(image.resize({ width, withoutEnlargement: true })))
    pixels.set(width, larger)
  }
  return pixels
}

async function write(
  recipe: Recipe,
  mediaType: string,
  image: Sharp,
  work: Work,
  expectedHeight?: number,
): Promise<ConvertedFile> {
  const part = partPath(work.workFolder, recipe.name)
  await decoding('The image', work.signal, () => image.toFile(part))
  const header = await openImage(part, recipe.options.animated === true ? { animated: true } : {}).metadata()
  const height = header.pageHeight ?? header.height
  if (header.width !== widthOf(recipe) || (expectedHeight !== undefined && height !== expectedHeight)) {
    throw invalidMedia(`${recipe.name} came out as ${header.width} x ${height}`)
  }
  const frames = header.pages ?? 1
  const properties = { width: header.width, height, ...(frames > 1 && { frames }) }
  return finishFile(
    work.workFolder,
    recipe,
    mediaType === 'image/jpeg' ? 'jpg' : mediaType.slice(6),
    mediaType,
    properties,
  )
}

function widthOf(recipe: Recipe): number {
  const { width } = recipe.options
  if (typeof width !== 'number' || !Number.isSafeInteger(width) || width < 1) {
    throw invalidMedia(`The recipe ${recipe.name} names no width`)
  }
  return width
}

function formatOf(recipe: Recipe): (typeof formats)[Format] {
  const { format } = recipe.options
  if (!isFormat(format)) throw invalidMedia(`The recipe ${recipe.name} names no known format`)
  return formats[format]
}

/** Runs `work` over the items, at most `width` at a time; results in the order of the items. All settle before a throw. */
async function inParallel<Item, Result>(
  items: readonly Item[],
  width: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = new Array<Result>(items.length)
  let next = 0
  let failed = false
  const lane = async (): Promise<void> => {
    while (next < items.length && !failed) {
      const index = next++
      try {
        results[index] = await work(items[index] as Item)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  const lanes = await Promise.allSettled(Array.from({ length: width }, lane))
  for (const lane of lanes) if (lane.status === 'rejected') throw lane.reason
  return results
}
