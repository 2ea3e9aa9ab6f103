import type { FileHandle } from 'node:fs/promises'
import { readPart, withFile } from './file-parts.ts'
import { mediaDurationMsMax, sniffBytes, videoPixelsMax } from './limits.ts'
import { statedInAiff } from './stated-aiff.ts'
import { statedInAsf } from './stated-asf.ts'
import { statedInAvi } from './stated-avi.ts'
import { statedInFlac } from './stated-flac.ts'
import { statedInFlv } from './stated-flv.ts'
import { statedInMatroska } from './stated-matroska.ts'
import { statedInMp4 } from './stated-mp4.ts'
import { statedInWav } from './stated-wav.ts'
import { invalidMedia } from './reasons.ts'

/** What a header says of its media, true or not; what it does not say is not there. */
export interface Stated {
  readonly durationMs?: number
  /** Of each picture track. */
  readonly sizes?: readonly { readonly width: number; readonly height: number }[]
}

type Reader = (file: FileHandle) => Promise<Stated>

const readers: readonly (readonly [RegExp, Reader])[] = [
  [/^(video|audio)\/(mp4|quicktime|3gpp2?)$/, statedInMp4],
  [/^(video|audio)\/(matroska|webm)$/, async (file) => statedInMatroska(await headOf(file))],
  [/^audio\/wav$/, statedInWav],
  [/^video\/x-msvideo$/, async (file) => statedInAvi(await headOf(file))],
  [/^audio\/flac$/, statedInFlac],
  [/^audio\/aiff$/, statedInAiff],
  [/^video\/x-flv$/, async (file) => statedInFlv(await headOf(file))],
  [/^(application\/vnd\.|(video|audio)\/x-)ms-asf$/, async (file) => statedInAsf(await headOf(file))],
]

/** Throws `invalid-media` for what is too long or too large by its own header, before any program is started to read it. */
export async function refuseStated(path: string, mediaType: string): Promise<void> {
  const { durationMs = 0, sizes = [] } = (await readStated(path, mediaType)) ?? {}
  if (durationMs > mediaDurationMsMax) throw invalidMedia('The media is longer than six hours')
  const large = sizes.find(({ width, height }) => width * height > videoPixelsMax)
  if (large) throw invalidMedia(`The video has ${large.width} x ${large.height} pixels`)
}

/** What a file says of itself; undefined for a type whose headers are not read here. */
export async function readStated(path: string, mediaType: string): Promise<Stated | undefined> {
  const reader = readers.find(([types]) => types.test(mediaType))?.[1]
  return reader && withFile(path, reader)
}

const headOf = (file: FileHandle): Promise<Buffer> => readPart(file, 0, sniffBytes)
