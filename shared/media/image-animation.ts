import type { Metadata } from 'sharp'
import type { JsonObject } from '../domain/json.ts'
import { animationFramesMax, animationPixelsMax } from './limits.ts'
import { framesInPng } from './stated-apng.ts'
import { framesInAvif } from './stated-avif.ts'
import { framesInGif } from './stated-gif.ts'
import { pagesInTiff } from './stated-tiff.ts'

/** Whose frames libvips reads; of the animations of other formats it reads the first. */
const framesAreRead = new Set(['image/gif', 'image/webp'])

interface Animation {
  /** What is made of it moves too. */
  readonly isKept: boolean
  /** What the record says of its frames, or of its pages. */
  readonly properties: JsonObject
}

const counters: Readonly<Record<string, (path: string) => Promise<number>>> = {
  'image/png': framesInPng,
  'image/avif': framesInAvif,
  'image/gif': framesInGif,
  'image/tiff': pagesInTiff,
}

/** How many frames or pages a file says it has, where libvips tells of one, or would count them all to tell. */
export async function statedFrames(path: string, mediaType: string): Promise<number> {
  return (await counters[mediaType]?.(path)) ?? 1
}

/** Whether a picture moves, and whether it will: what is flattened says so, and why. */
export function animationOf(picture: {
  readonly mediaType: string
  /** What `statedFrames` found. */
  readonly stated: number
  readonly header: Metadata
}): Animation {
  const { mediaType, stated, header } = picture
  if (mediaType === 'image/tiff') return still(stated > 1 ? { pages: stated } : {})
  const isRead = framesAreRead.has(mediaType)
  const frames = isRead ? (header.pages ?? 1) : stated
  if (frames <= 1) return still({})
  const pixels = header.width * (header.pageHeight ?? header.height) * frames
  const isKept = isRead && frames <= animationFramesMax && pixels <= animationPixelsMax
  return {
    isKept,
    properties: {
      frames,
      animated: true,
      ...(header.delay && { durationMs: sum(header.delay), loop: header.loop ?? 0 }),
      ...(!isKept && { flattened: true, note: isRead ? tooLong : notRead }),
    },
  }
}

const tooLong = 'The animation is too long to convert; its first frame is shown instead'
const notRead = 'Animations of this format are not converted; the first frame is shown instead'

const still = (more: JsonObject): Animation => ({ isKept: false, properties: { frames: 1, ...more } })

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
