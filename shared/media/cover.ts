import { join } from 'node:path'
import { hasCode } from '../domain/errors.ts'
import type { ConvertedFile, Recipe } from '../ports/media-converter.ts'
import type { ContainerReader } from './container-reader.ts'
import { finishFile, partPath } from './output.ts'
import { decoding } from './reasons.ts'
import { openImage, openPixels, toPixels } from './sharp-safe.ts'

const sidePixelsMax = 1_000

/**
 * The cover picture in a sound file, drawn anew without its metadata. One that cannot be decoded is left out: the sound is
 * what was sent, and it is sound.
 */
export async function convertCover(
  path: string,
  recipe: Recipe,
  work: { readonly workFolder: string; readonly signal: AbortSignal; readonly reader: ContainerReader },
): Promise<ConvertedFile[]> {
  const raw = join(work.workFolder, 'cover.raw')
  try {
    const { hasCover } = await work.reader.tags(path, { signal: work.signal, coverTo: raw })
    if (!hasCover) return []
    const pixels = await decoding('The cover', work.signal, () =>
      toPixels(
        openImage(raw)
          .autoOrient()
          .flatten({ background: '#ffffff' })
          .resize({ width: sidePixelsMax, height: sidePixelsMax, fit: 'inside', withoutEnlargement: true }),
      ),
    )
    await decoding('The cover', work.signal, () =>
      openPixels(pixels).jpeg({ quality: 85, progressive: true }).toFile(partPath(work.workFolder, recipe.name)),
    )
    const { width, height } = pixels
    return [await finishFile(work.workFolder, recipe, 'jpg', 'image/jpeg', { width, height })]
  } catch (error) {
    if (hasCode(error, 'invalid-media')) return []
    throw error
  }
}
