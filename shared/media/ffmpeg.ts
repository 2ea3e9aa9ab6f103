import { availableParallelism } from 'node:os'
import { CatamaranError } from '../domain/errors.ts'
import { startProcess, type Ending } from '../process/bounded-process.ts'
import type { ProcessLimits } from '../process/limits.ts'
import { assertGuarded } from './ffmpeg-input.ts'
import { convertedBytesMax } from './limits.ts'
import { invalidMedia, overLimit, tidyReason } from './reasons.ts'

interface FfmpegRun {
  readonly signal: AbortSignal
  readonly wallMsMax: number
  /** As much as all threads can take in the wall's time unless given. */
  readonly cpuMsMax?: number
  /** Takes what ffmpeg writes to standard output. What it throws stops the process. */
  readonly onOutput?: (chunk: Buffer) => void
  /** An exit code other than 0 is an answer, not a failure. */
  readonly anyExit?: boolean
}

interface FfmpegResult {
  readonly exitCode: number
  /** The end of standard error. */
  readonly messages: string
}

export interface FfmpegRunner {
  /** Threads a process may use. */
  readonly threads: number
  /**
   * Throws `invalid-media` when ffmpeg refuses, crashes or passes a limit, `timed-out` past the wall time, the signal's reason
   * on abort, `internal` when an input is not guarded.
   */
  run(args: readonly string[], options: FfmpegRun): Promise<FfmpegResult>
}

const memoryBytesDefault = 3 * 1024 ** 3
/** Above what `-fs` allows, at which a file is merely ended. */
const fileBytesMax = convertedBytesMax + 64 * 1024 ** 2
/** Decoded sound is the most: six hours of the waveform's have a fifth of this. */
const outputBytesMax = 2 * 1024 ** 3
/** Its files, and those that its libraries read. */
const openFilesMax = 64

interface FfmpegOptions {
  readonly path: string
  /** As many as there are cores unless given. */
  readonly threads?: number
  /** Of addresses. */
  readonly memoryBytesMax?: number
}

/** Runs ffmpeg as a process of its own under limits: see `startProcess`. */
export function ffmpegRunner(options: FfmpegOptions): FfmpegRunner {
  const { path, threads = availableParallelism(), memoryBytesMax = memoryBytesDefault } = options
  const limits = { memoryBytesMax, addressBytesMax: memoryBytesMax, fileBytesMax, outputBytesMax, openFilesMax }
  const always = [path, '-hide_banner', '-nostdin', '-loglevel', 'error']
  return {
    threads,
    async run(args, run) {
      assertGuarded(args)
      const { wallMsMax, cpuMsMax = wallMsMax * threads } = run
      return runProcess([...always, ...args], { ...limits, wallMsMax, cpuMsMax }, run)
    },
  }
}

async function runProcess(words: readonly string[], limits: ProcessLimits, run: FfmpegRun): Promise<FfmpegResult> {
  const { signal, onOutput } = run
  const decoder = startProcess(words, { limits, signal, ...(onOutput && { onOutput }) })
  decoder.stdin.end()
  return judge(await decoder.ended, run.anyExit ?? false)
}

function judge(ending: Ending, anyExit: boolean): FfmpegResult {
  if (ending.kind === 'over') throw overLimit('The media', ending.limit)
  const { messages } = ending
  if (/No space left on device|Read-only file system/.test(messages)) {
    throw new CatamaranError('unavailable', 'No room to convert: the work folder is full or read-only')
  }
  if (/Cannot allocate memory|malloc of size|std::bad_alloc/.test(messages)) throw overLimit('The media', 'memory')
  if (ending.kind === 'killed') throw invalidMedia(`The media stopped the decoder (${ending.by})`)
  if (ending.code !== 0 && !anyExit) {
    throw invalidMedia(`The media cannot be decoded: ${tidyReason(firstFault(messages))}`)
  }
  return { exitCode: ending.code, messages }
}

/** ffmpeg's lines look like `[mov,mp4 @ 0x55] moov atom not found`; the address means nothing to a user. */
const firstFault = (messages: string): string => messages.replace(/\[[^\]]* @ 0x[0-9a-f]+\] /g, '')
