import { readFile } from 'node:fs/promises'
import type { FuzzedFormat } from './fuzzed-format.ts'

const time = (seconds: number, mark: string): string => `00:00:${String(seconds).padStart(2, '0')}${mark}500`
const cues = (mark: string): string[] =>
  Array.from({ length: 20 }, (_, n) => {
    const when = `${time(2 * n, mark)} --> ${time(2 * n + 1, mark)}`
    return `${n + 1}\n${when}\n<i>Cue ${n}</i> & a line\nwith {a} word\n`
  })

const texts = {
  srt: ['application/x-subrip', cues(',').join('\n')],
  vtt: ['text/vtt', ['WEBVTT\n', 'NOTE of twenty cues\n', ...cues('.')].join('\n')],
} as const

/** Subtitles of twenty cues. */
export const subtitleFormats: Readonly<Record<string, FuzzedFormat>> = Object.fromEntries(
  Object.entries(texts).map(([name, [declared, text]]) => [
    name,
    {
      declared,
      whole: async () => Buffer.from(text),
      async faultOf({ files }) {
        const [file] = files
        const written = file ? await readFile(file.path, 'utf8') : ''
        if (!written.startsWith('WEBVTT\n\n')) return 'is no WebVTT'
        const count = written.split(' --> ').length - 1
        return count === file?.properties['cues'] ? undefined : `${count} cues are not the number that is told`
      },
    } satisfies FuzzedFormat,
  ]),
)
