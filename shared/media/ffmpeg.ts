import { spawn, type ChildProcess } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { CatamaranError } from '../domain/errors.ts'
import { findCommand } from './ffmpeg-path.ts'
import { flags } from './flags.ts'
import { videoPixelsMax } from './limits.ts'
import { invalidMedia, tidyReason, timedOut } from './reasons.ts'

interface FfmpegRun {
  readonly signal: AbortSignal
  readonly wallMsMax: number
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
  /** Throws `invalid-media` when ffmpeg refuses or crashes, `timed-out` past the wall time, the signal's reason on abort. */
  run(args: readonly string[], options: FfmpegRun): Promise<FfmpegResult>
}

const messagesBytesMax = 16 * 1024
const memoryBytesDefault = 3 * 1024 ** 3
/** Ten times what the slowest machine needs for a wall-clock minute: stops a process whose owner was killed. */
const cpuSecondsMax = 3_600

interface FfmpegOptions {
  readonly path: string
  /** As many as there are cores unless given. */
  readonly threads?: number
  readonly memoryBytesMax?: number
  /** Folders in which `setpriv` and `prlimit` are looked for. */
  readonly toolPath?: string
}

/**
 * Runs ffmpeg as a child in its own process group: killed on abort, past its wall time, and (on Linux with util-linux)
 * when its owner dies; its memory and processor time are limited where `prlimit` exists.
 */
export function ffmpegRunner(options: FfmpegOptions): FfmpegRunner {
  const { path, threads = availableParallelism() } = options
  const prefix = sandbox(options.toolPath ?? '/usr/bin:/bin', options.memoryBytesMax ?? memoryBytesDefault)
  const always = ['-hide_banner', '-nostdin', '-loglevel', 'error']
  return { threads, run: (args, run) => runProcess([...prefix, path, ...always, ...args], run) }
}

function sandbox(toolPath: string, memoryBytesMax: number): string[] {
  if (process.platform !== 'linux') return []
  const setpriv = findCommand('setpriv', toolPath)
  const prlimit = findCommand('prlimit', toolPath)
  return [
    ...(setpriv ? [setpriv, '--pdeathsig', 'KILL', '--'] : []),
    ...(prlimit ? [prlimit, `--as=${memoryBytesMax}`, `--cpu=${cpuSecondsMax}`, '--core=0', '--'] : []),
  ]
}

async function runProcess(words: readonly string[], run: FfmpegRun): Promise<FfmpegResult> {
  run.signal.throwIfAborted()
  // An empty environment: nothing of the host's secrets or settings reaches the decoder.
  const [command = '', ...args] = words
  const child = spawn(command, args, { detached: true, env: {}, stdio: ['ignore', 'pipe', 'pipe'] })
  let messages = ''
  let fault: unknown
  const stop = (reason: unknown): void => {
    fault ??= reason
    killGroup(child)
  }
  const onAbort = (): void => stop(run.signal.reason)
  const timer = setTimeout(() => stop(timedOut(`The media took longer than ${run.wallMsMax / 1000} s`)), run.wallMsMax)
  run.signal.addEventListener('abort', onAbort, { once: true })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    messages = (messages + text).slice(-messagesBytesMax)
  })
  child.stdout.on('data', (chunk: Buffer) => {
    try {
      run.onOutput?.(chunk)
    } catch (error) {
      stop(error)
    }
  })
  try {
    const exit = await exitOf(child)
    if (fault !== undefined) throw fault
    return judge(exit, messages, run.anyExit ?? false)
  } finally {
    clearTimeout(timer)
    run.signal.removeEventListener('abort', onAbort)
  }
}

interface Exit {
  readonly code: number | null
  readonly killedBy: string | null
}

const exitOf = (child: ChildProcess): Promise<Exit> =>
  new Promise((resolve, reject) => {
    child.once('error', (error) => {
      reject(
        new CatamaranError('unavailable', `ffmpeg cannot be started: ${tidyReason(error.message)}`, { cause: error }),
      )
    })
    child.once('close', (code, killedBy) => resolve({ code, killedBy }))
  })

function judge({ code, killedBy }: Exit, messages: string, anyExit: boolean): FfmpegResult {
  if (/No space left on device|Read-only file system/.test(messages)) {
    throw new CatamaranError('unavailable', 'No room to convert: the work folder is full or read-only')
  }
  if (/Cannot allocate memory|malloc of size|std::bad_alloc/.test(messages)) {
    throw invalidMedia('The media needs more memory than is allowed')
  }
  if (killedBy !== null || code === null)
    throw invalidMedia(`The media stopped the decoder (${killedBy ?? 'no exit code'})`)
  if (code !== 0 && !anyExit) throw invalidMedia(`The media cannot be decoded: ${tidyReason(firstFault(messages))}`)
  return { exitCode: code, messages }
}

/** ffmpeg's lines look like `[mov,mp4 @ 0x55] moov atom not found`; the address means nothing to a user. */
const firstFault = (messages: string): string => messages.replace(/\[[^\]]* @ 0x[0-9a-f]+\] /g, '')

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}

/** Demuxers by true type: ffmpeg never guesses, so a playlist or a script can't be smuggled in. */
const demuxers: Readonly<Record<string, string>> = {
  'video/mp4': 'mov',
  'audio/mp4': 'mov',
  'video/quicktime': 'mov',
  'video/3gpp': 'mov',
  'video/3gpp2': 'mov',
  'video/matroska': 'matroska',
  'audio/matroska': 'matroska',
  'video/webm': 'matroska',
  'audio/webm': 'matroska',
  'video/x-msvideo': 'avi',
  'video/mp2t': 'mpegts',
  'video/mpeg': 'mpeg',
  'video/x-flv': 'flv',
  'video/x-ms-asf': 'asf',
  'application/vnd.ms-asf': 'asf',
  'video/ogg': 'ogg',
  'audio/ogg': 'ogg',
  'application/ogg': 'ogg',
  'audio/mpeg': 'mp3',
  'audio/wav': 'wav',
  'audio/flac': 'flac',
  'audio/aac': 'aac',
  'audio/aiff': 'aiff',
  'audio/amr': 'amr',
}

export const isTimedMedia = (mediaType: string): boolean => Object.hasOwn(demuxers, mediaType)

/** Arguments that open one local file and nothing else: no network, no other file, a fixed demuxer. */
export function inputArgs(
  path: string,
  mediaType: string,
  options: { readonly threads: number; readonly startMs?: number; readonly takeMs?: number },
): string[] {
  const demuxer = demuxers[mediaType]
  if (demuxer === undefined) throw invalidMedia(`${mediaType} is no type that is converted`)
  return [
    ...flags(`-protocol_whitelist file,pipe -format_whitelist ${demuxerNames[demuxer] ?? demuxer}`),
    ...flags(`-threads ${options.threads} -max_pixels ${videoPixelsMax} -f ${demuxer}`),
    ...(options.startMs === undefined ? [] : ['-ss', (options.startMs / 1000).toFixed(3)]),
    ...(options.takeMs === undefined ? [] : ['-t', (options.takeMs / 1000).toFixed(3)]),
    '-i',
    `file:${path}`,
  ]
}

/** The whitelist compares a demuxer's whole name. */
const demuxerNames: Readonly<Record<string, string>> = {
  mov: 'mov,mp4,m4a,3gp,3g2,mj2',
  matroska: 'matroska,webm',
}
