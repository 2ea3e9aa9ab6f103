/**
 * `node job-child.ts PATH TYPE FOLDER [variant | part]`: makes of one file all that a job makes of it, or one picture that somebody
 * asked for, or one part of a long film. Without a path it does nothing.
 */
import { stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { mediaConverter } from '../../shared/media/converter.ts'
import { findFfmpeg } from '../../shared/media/ffmpeg-path.ts'
import { ffmpegRunner } from '../../shared/media/ffmpeg.ts'
import { findHeifDecoder } from '../../shared/media/heif-path.ts'
import { imageRecipeVersion as version } from '../../shared/media/image-recipe.ts'
import type { ConversionSource, Inspection } from '../../shared/ports/media-converter.ts'

const idleMs = 500
/** Of a picture in 1080p and the rungs below it, some four seconds: a part of any length needs the same. */
const partPixelsMax = 400_000_000
const [path = '', mediaType = '', workFolder = '', what = 'all'] = process.argv.slice(2)
const { signal } = new AbortController()
const ffmpegPath = findFfmpeg({ searchPath: process.env['PATH'] })
const converter = mediaConverter({
  ffmpeg: ffmpegPath === undefined ? undefined : ffmpegRunner({ path: ffmpegPath }),
  heifDecoder: findHeifDecoder(),
  ...(what === 'part' && { partPixelsMax }),
})

async function makePart(source: ConversionSource, inspection: Inspection): Promise<void> {
  const plan = await converter.film?.plan(source, inspection, signal)
  const part = plan?.parts.find(({ kind }) => kind === 'picture')
  if (!plan || !part) throw new Error('The film is made in one go')
  await converter.film?.make(source, plan, part, { workFolder, signal })
}

if (path === '') await sleep(idleMs)
else {
  const found = { path, mediaType, bytes: (await stat(path)).size }
  const recipe = { name: 'variant', version, options: { format: 'webp', width: 1000 } }
  const inspection: Inspection =
    what === 'variant'
      ? { mediaType, kind: 'image', properties: {}, recipes: [recipe] }
      : await converter.inspect(found, signal)
  const source = { ...found, mediaType: inspection.mediaType }
  if (what === 'part') await makePart(source, inspection)
  else await converter.convert(source, inspection, { workFolder, signal })
}
