import { CatamaranError } from '../domain/errors.ts'
import { flags } from './flags.ts'
import { videoPixelsMax } from './limits.ts'
import { invalidMedia } from './reasons.ts'

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
  'audio/x-ms-asf': 'asf',
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

const protocols = 'file,pipe'

/** Arguments that open one local file and nothing else: no network, no other file, a fixed demuxer. */
export function inputArgs(
  path: string,
  mediaType: string,
  options: { readonly threads: number; readonly startMs?: number; readonly takeMs?: number },
): string[] {
  const demuxer = demuxers[mediaType]
  if (demuxer === undefined) throw invalidMedia(`${mediaType} is no type that is converted`)
  return [
    ...flags(`-protocol_whitelist ${protocols} -format_whitelist ${demuxerNames[demuxer] ?? demuxer}`),
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

/** What stands in front of every input. */
const guards = ['-protocol_whitelist', '-format_whitelist', '-max_pixels', '-f'] as const

/** Throws `internal` when a call opens anything that `inputArgs` did not guard: a mistake of ours, whatever the file is. */
export function assertGuarded(words: readonly string[]): void {
  let from = 0
  for (const [at, word] of words.entries()) {
    if (word !== '-i') continue
    const own = words.slice(from, at)
    const protocol = own[own.indexOf(guards[0]) + 1]
    const isGuarded = guards.every((guard) => own.includes(guard)) && protocol === protocols
    if (!isGuarded || words[at + 1]?.startsWith('file:/') !== true) {
      throw new CatamaranError('internal', 'An input of ffmpeg is not guarded')
    }
    from = at + 2
  }
}
