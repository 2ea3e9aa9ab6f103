import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { MediaBody, RenditionBody } from '../domain/asset.ts'
import { CatamaranError } from '../domain/errors.ts'
import { stillRecipes } from '../media/image-recipes.ts'
import type { Analysis, AnalysisPicture } from '../ports/analysis.ts'
import { fetchOriginal } from './fetch-original.ts'
import type { Services } from './services.ts'
import type { WorkTools } from './work-tools.ts'

/** Services see no more in a larger one, and it costs the sending. */
const widthPixelsMax = 1_280
/** The whole picture, upright, nothing cut off: presets may be crops. */
const wholePictures = /^(image-(jpeg|png)-\d+|poster)$/
const pictureTypes = ['image/jpeg', 'image/png'] as const

interface Wanted {
  readonly media: MediaBody
  readonly takes: Analysis['takes']
  readonly signal: AbortSignal
}

/**
 * What is sent of an asset: the largest rendition that the service takes, never the original, which may hold metadata; where the
 * policy leaves none, one is made for this alone. Throws `invalid-media` for what is too small or too long.
 */
export async function analysisPicture(services: Services, work: WorkTools, wanted: Wanted): Promise<AnalysisPicture> {
  const { media, takes, signal } = wanted
  const fitting = media.renditions
    .flatMap((rendition) => candidateOf(rendition))
    .filter(({ bytes, width }) => bytes <= takes.bytesMax && width <= widthPixelsMax)
    .sort((a, b) => b.width - a.width)[0]
  if (!fitting) {
    if (media.kind === 'image') return assertFits(await madeForThis(services, work, wanted), takes)
    throw new CatamaranError('invalid-media', 'There is no picture of this that could be looked at.')
  }
  const { objectKey, mediaType, width, height } = fitting
  assertFits(fitting, takes)
  const body = await services.objects.get(objectKey, undefined, signal)
  if (!body) throw new CatamaranError('unavailable', 'The picture has not come to this site yet.')
  const bytes = new Uint8Array(await new Response(body.stream).arrayBuffer())
  return { bytes, mediaType, width, height }
}

type Candidate = Pick<RenditionBody, 'objectKey' | 'bytes'> & Omit<AnalysisPicture, 'bytes'>

function candidateOf({ name, objectKey, bytes, mediaType, properties }: RenditionBody): Candidate[] {
  const type = pictureTypes.find((each) => each === mediaType)
  const { width, height } = properties
  if (!type || !wholePictures.test(name) || typeof width !== 'number' || typeof height !== 'number') return []
  return [{ objectKey, bytes, mediaType: type, width, height }]
}

async function madeForThis(
  services: Services,
  work: WorkTools,
  { media, takes, signal }: Wanted,
): Promise<AnalysisPicture> {
  const { width, height } = media.properties
  const sides = typeof width === 'number' && typeof height === 'number' ? { width, height } : { width: 1, height: 1 }
  const recipe = stillRecipes(sides.width, sides.height, false, [widthPixelsMax]).find(
    ({ options }) => options['format'] === 'jpeg',
  )
  if (!recipe) throw new CatamaranError('internal', 'There is no recipe for a picture to be looked at.')
  const folder = await work.workFolder()
  try {
    const path = join(folder.path, 'source')
    const bytes = await fetchOriginal(services, work, { media, path, signal })
    const { mediaType = 'application/octet-stream' } = media
    const inspection = { mediaType, kind: 'image', properties: media.properties, recipes: [recipe] } as const
    const source = { path, mediaType, bytes }
    const [file] = await work.converter.convert(source, inspection, { workFolder: folder.path, signal })
    if (!file) throw new CatamaranError('internal', 'The converter made nothing.')
    if (file.bytes > takes.bytesMax) throw new CatamaranError('too-large', 'The picture is too large to be looked at.')
    const made = { width: Number(file.properties['width']), height: Number(file.properties['height']) }
    return { bytes: await readFile(file.path), mediaType: 'image/jpeg', ...made }
  } finally {
    await folder.remove()
  }
}

function assertFits<Sized extends Pick<AnalysisPicture, 'width' | 'height'>>(
  picture: Sized,
  { sidePixelsMin, sidePixelsMax }: Analysis['takes'],
): Sized {
  const sides = [picture.width, picture.height]
  if (Math.min(...sides) >= sidePixelsMin && Math.max(...sides) <= sidePixelsMax) return picture
  throw new CatamaranError(
    'invalid-media',
    `The picture is shown at ${sides.join(' x ')}; sides of ${sidePixelsMin} to ${sidePixelsMax} pixels are looked at.`,
  )
}
