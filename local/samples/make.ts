import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { findFfmpeg } from '../../shared/media/ffmpeg-path.ts'
import { writeClip } from './clip.ts'
import { landscape } from './landscape.ts'
import { writeAnimations, writeLogo, writePhoto } from './pictures.ts'
import { writeVoice } from './sound.ts'
import { writeCities, writeEvents } from './tables.ts'

export interface Sample {
  /** An absolute path when the folder was given as one. */
  readonly file: string
  readonly mediaType: string
  readonly kind: 'photo' | 'logo' | 'animation' | 'video' | 'audio' | 'table' | 'events'
}

/** Raised whenever a sample changes, so that a cached set is made anew. */
const samplesVersion = 1

const catalogue = [
  { name: 'photo.jpg', mediaType: 'image/jpeg', kind: 'photo' },
  { name: 'logo.png', mediaType: 'image/png', kind: 'logo' },
  { name: 'animation.gif', mediaType: 'image/gif', kind: 'animation' },
  { name: 'animation.webp', mediaType: 'image/webp', kind: 'animation' },
  { name: 'clip.mp4', mediaType: 'video/mp4', kind: 'video' },
  { name: 'voice.wav', mediaType: 'audio/wav', kind: 'audio' },
  { name: 'cities.csv', mediaType: 'text/csv', kind: 'table' },
  { name: 'events.ndjson', mediaType: 'application/x-ndjson', kind: 'events' },
] as const

/**
 * Makes the sample files in `<folder>/v<version>`, or finds them there: a set appears whole or not at all.
 * Throws when there is no ffmpeg to make the film with.
 */
export async function makeSamples(folder: string, options: { readonly ffmpeg?: string } = {}): Promise<Sample[]> {
  const target = join(folder, `v${samplesVersion}`)
  const samples = catalogue.map(({ name, mediaType, kind }) => ({ file: join(target, name), mediaType, kind }))
  if (await exists(target)) return samples
  const ffmpeg = options.ffmpeg ?? findFfmpeg({ configured: process.env.FFMPEG_PATH, searchPath: process.env.PATH })
  if (!ffmpeg) throw new Error('No ffmpeg found: install it or set FFMPEG_PATH')
  await mkdir(folder, { recursive: true })
  const draft = await mkdtemp(join(folder, 'draft-'))
  try {
    const view = landscape(2000, 3000)
    const at = (name: string): string => join(draft, name)
    await Promise.all([
      writeClip(ffmpeg, view, at('clip.mp4')),
      writePhoto(view, at('photo.jpg')),
      writeLogo(at('logo.png')),
      writeAnimations(at('animation.gif'), at('animation.webp')),
      writeVoice(at('voice.wav')),
      writeCities(at('cities.csv')),
      writeEvents(at('events.ndjson')),
    ])
    await rename(draft, target).catch(async (error: unknown) => {
      // Another start may have been quicker.
      if (!(await exists(target))) throw error
    })
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
  return samples
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
