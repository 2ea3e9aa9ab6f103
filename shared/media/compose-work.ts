import { mkdtemp, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { guardedOutbound } from '../adapters/outbound.ts'
import { fetchRange } from '../adapters/range-fetch.ts'
import type { WorkTools } from '../core/work-tools.ts'
import type { StreamCodec } from '../domain/stream-codecs.ts'
import { mediaConverter } from './converter.ts'
import { findFfmpeg } from './ffmpeg-path.ts'
import { ffmpegRunner } from './ffmpeg.ts'
import { findHeifDecoder } from './heif-path.ts'

export interface WorkToolsOptions {
  /** An ffmpeg binary to prefer to the one on `PATH`. */
  readonly FFMPEG_PATH?: string | undefined
  readonly PATH?: string | undefined
  /** What adaptive streams are encoded in besides H.264. */
  readonly STREAM_CODECS?: readonly StreamCodec[] | undefined
  /** Local development: what one worker encodes of a long film, in place of what takes it three minutes. */
  readonly FILM_PART_PIXELS?: number | undefined
  /** Local development: users may name servers on this machine. */
  readonly PRIVATE_ADDRESSES?: boolean
}

/** The converter and the work folders of a job; each folder is private and removed with all in it. */
export function composeWorkTools(options: WorkToolsOptions): WorkTools {
  const {
    FFMPEG_PATH,
    PATH,
    PRIVATE_ADDRESSES = false,
    STREAM_CODECS: codecs,
    FILM_PART_PIXELS: partPixelsMax,
  } = options
  const path = findFfmpeg({ configured: FFMPEG_PATH, searchPath: PATH })
  return {
    converter: mediaConverter({
      ffmpeg: path === undefined ? undefined : ffmpegRunner({ path }),
      heifDecoder: findHeifDecoder(),
      codecs,
      partPixelsMax,
    }),
    fetch,
    fetchRange,
    outbound: guardedOutbound({ allowPrivate: PRIVATE_ADDRESSES }),
    workDisk: async () => {
      const { blocks, bavail, bsize } = await statfs(tmpdir())
      return { totalBytes: blocks * bsize, freeBytes: bavail * bsize }
    },
    workFolder: async () => {
      const folder = await mkdtemp(join(tmpdir(), 'catamaran-'))
      return { path: folder, remove: () => rm(folder, { recursive: true, force: true }) }
    },
  }
}
