import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { guardedOutbound } from '../adapters/outbound.ts'
import type { WorkTools } from '../core/work-tools.ts'
import { mediaConverter } from './converter.ts'
import { findFfmpeg } from './ffmpeg-path.ts'
import { ffmpegRunner } from './ffmpeg.ts'

export interface WorkToolsOptions {
  /** An ffmpeg binary to prefer to the one on `PATH`. */
  readonly FFMPEG_PATH?: string | undefined
  readonly PATH?: string | undefined
  /** Local development: users may name servers on this machine. */
  readonly PRIVATE_ADDRESSES?: boolean
}

/** The converter and the work folders of a job; each folder is private and removed with all in it. */
export function composeWorkTools({ FFMPEG_PATH, PATH, PRIVATE_ADDRESSES = false }: WorkToolsOptions): WorkTools {
  const path = findFfmpeg({ configured: FFMPEG_PATH, searchPath: PATH })
  return {
    converter: mediaConverter({ ffmpeg: path === undefined ? undefined : ffmpegRunner({ path }) }),
    fetch,
    outbound: guardedOutbound({ allowPrivate: PRIVATE_ADDRESSES }),
    workFolder: async () => {
      const folder = await mkdtemp(join(tmpdir(), 'catamaran-'))
      return { path: folder, remove: () => rm(folder, { recursive: true, force: true }) }
    },
  }
}
