import { join } from 'node:path'
import type { Sharp } from 'sharp'
import type { ConvertedFile, Recipe } from '../ports/media-converter.ts'
import { decode, openSource, type Decoded, type DecodingPlace, type ImageSource, type Opened } from './image-decode.ts'
import { encodeImage } from './image-encode.ts'
import { isPlain, watermarkFile, wishOf, type ImageWish } from './image-recipe.ts'
import { inParallel } from './in-parallel.ts'
import { decoding, invalidMedia } from './reasons.ts'
import { cores, openImage } from './sharp-safe.ts'
import { placedWatermark } from './watermark.ts'

export interface ImageWork extends DecodingPlace {
  /** Makes what libvips opens of a source that it may not know. */
  readonly openable: (source: ImageSource) => Promise<ImageSource>
  readonly onProgress?: (fraction: number) => void
}

interface Task {
  readonly recipe: Recipe
  readonly wish: ImageWish
}

/** One decode at the largest width wanted, then each width from the next larger one, then every encode from pixels. */
export async function convertImage(
  source: ImageSource,
  recipes: readonly Recipe[],
  work: ImageWork,
): Promise<ConvertedFile[]> {
  const tasks = recipes.map((recipe): Task => ({ recipe, wish: wishOf(recipe) }))
  const still = tasks.filter(({ wish }) => !wish.animated)
  const opened = still.length > 0 ? await openSource(await work.openable(source), work.signal) : undefined
  const pictures = opened ? await decodeAll(opened, still, work) : new Map<string, Decoded>()
  let done = 0
  const step = (file: ConvertedFile): ConvertedFile => {
    work.onProgress?.(++done / recipes.length)
    return file
  }
  const files = await inParallel(still, cores, async ({ recipe, wish }) => {
    const picture = pictures.get(shapeOf(wish))
    if (!picture) throw invalidMedia(`No pixels for ${recipe.name}`)
    const image = await finished(picture, wish, work)
    return step(await encodeImage(recipe, wish, image, { ...work, expected: picture }))
  })
  for (const { recipe, wish } of tasks.filter((task) => task.wish.animated)) {
    const image = resized(openImage(source.path, { animated: true }), { ...wish, crop: 'centre' })
    files.push(step(await encodeImage(recipe, wish, image, work)))
  }
  return files
}

/** What pictures that differ in format and quality alone have in common. */
const shapeOf = ({ width, height, fit, crop }: ImageWish): string =>
  height === undefined ? String(width) : `${width}x${height}-${fit}-${crop}`

async function decodeAll(
  { open, isWide }: Opened,
  tasks: readonly Task[],
  work: ImageWork,
): Promise<Map<string, Decoded>> {
  const pictures = new Map<string, Decoded>()
  const byWidth = tasks.map(({ wish }) => wish).sort((a, b) => b.width - a.width)
  let larger: Decoded | undefined
  for (const wish of byWidth) {
    const shape = shapeOf(wish)
    if (pictures.has(shape)) continue
    const keepsShape = wish.height === undefined
    const image = keepsShape && larger ? larger.open() : await open(wish.width)
    const picture = await decode(resized(image, wish), { isWide, name: shape }, work)
    pictures.set(shape, picture)
    if (keepsShape) larger = picture
  }
  return pictures
}

/** Never larger than it was. */
const resized = (image: Sharp, { width, height, fit, crop }: ImageWish): Sharp =>
  height === undefined
    ? image.resize({ width, withoutEnlargement: true })
    : image.resize({
        width,
        height,
        fit,
        position: crop === 'smart' ? 'attention' : 'centre',
        withoutEnlargement: true,
      })

async function finished(
  picture: Decoded,
  wish: ImageWish,
  { workFolder, signal, openable }: ImageWork,
): Promise<Sharp> {
  if (isPlain(wish)) return picture.open()
  const { blur, watermark } = wish
  const image = blur === undefined ? picture.open() : picture.open().blur(blur)
  if (!watermark) return image
  const source = await openable({ path: join(workFolder, watermarkFile), mediaType: watermark.mediaType })
  const { open } = await openSource(source, signal)
  const mark = await decoding('The watermark', signal, async () =>
    placedWatermark(await open(Math.max(1, Math.round(picture.width * watermark.share))), watermark, picture),
  )
  return image.composite([mark])
}
