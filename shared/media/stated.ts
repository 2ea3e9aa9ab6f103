import { open, type FileHandle } from 'node:fs/promises'
import { mediaDurationMsMax, sniffBytes, videoPixelsMax } from './limits.ts'
import { statedInAvi } from './stated-avi.ts'
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
]

/** Throws `invalid-media` for what is too long or too large by its own header, before any program is started to read it. */
export async function refuseStated(path: string, mediaType: string): Promise<void> {
  const reader = readers.find(([types]) => types.test(mediaType))?.[1]
  if (!reader) return
  const file = await open(path, 'r')
  try {
    const { durationMs = 0, sizes = [] } = await reader(file)
    if (durationMs > mediaDurationMsMax) throw invalidMedia('The media is longer than six hours')
    const large = sizes.find(({ width, height }) => width * height > videoPixelsMax)
    if (large) throw invalidMedia(`The video has ${large.width} x ${large.height} pixels`)
  } finally {
    await file.close()
  }
}

async function headOf(file: FileHandle): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(sniffBytes), 0, sniffBytes, 0)
  return buffer.subarray(0, bytesRead)
}
