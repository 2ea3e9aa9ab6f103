import { vttTime } from '../playback/vtt-time.ts'

/** A text that is shown from `startMs` until before `endMs`. */
export interface Cue {
  readonly startMs: number
  readonly endMs: number
  /** Lines, in the markup of WebVTT: `<b>`, `<i>`, `<u>`, everything else is text. */
  readonly text: string
}

export const subRipType = 'application/x-subrip'
export const isSubtitleType = (mediaType: string): boolean => mediaType === subRipType || mediaType === 'text/vtt'

export const subtitleBytesMax = 4 * 1024 ** 2
const cuesMax = 50_000
const cueCharsMax = 2_000

const time = String.raw`(?:(\d{1,3}):)?([0-5]?\d):([0-5]?\d)[,.](\d{1,3})`
const timing = new RegExp(String.raw`^[ \t]*${time}[ \t]*-->[ \t]*${time}(?:[ \t]|$)`)

/** Whether a text begins as SubRip does: a number, then a time. */
export const looksLikeSubRip = (text: string): boolean => {
  const [number, times] = text.trimStart().split(/\r\n|\r|\n/, 2)
  return /^\d{1,6}\s*$/.test(number ?? '') && timing.test(times ?? '')
}

/**
 * The cues of a SubRip or WebVTT text, by time. Nobody ever wrote down what SubRip is, so what cannot be read is passed
 * over: a line with a time begins a cue, and the next empty line ends it. Takes time in proportion to the text.
 */
export function parseCues(text: string): Cue[] {
  const cues: Cue[] = []
  let open: { startMs: number; endMs: number; lines: string[]; chars: number } | undefined
  const close = (): void => {
    if (open && open.endMs > open.startMs && open.lines.length > 0) {
      const { startMs, endMs, lines } = open
      const shown = markup(lines.join('\n'))
      if (shown !== '') cues.push({ startMs, endMs, text: shown })
    }
    open = undefined
  }
  for (const line of text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/)) {
    const found = line.length < 200 ? timing.exec(line) : undefined
    if (found) {
      close()
      if (cues.length >= cuesMax) break
      open = { startMs: msOf(found.slice(1, 5)), endMs: msOf(found.slice(5, 9)), lines: [], chars: 0 }
    } else if (line.trim() === '') close()
    else if (open && open.chars + line.length <= cueCharsMax) {
      open.lines.push(line)
      open.chars += line.length
    }
  }
  close()
  return cues.sort((a, b) => a.startMs - b.startMs)
}

const msOf = ([hours, minutes, seconds, fraction = '0']: readonly (string | undefined)[]): number =>
  ((Number(hours ?? 0) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000 + Number(fraction.padEnd(3, '0'))

/** Bold, italic and underlined stay; colours, places and whatever else somebody put there go. */
function markup(text: string): string {
  return text
    .replaceAll(/\{[^{}\n]{0,100}\}/g, '')
    .replaceAll(
      /<(\/?)([biu])>|<\/?[A-Za-z][^<>\n]{0,200}>|&(?:amp|lt|gt|nbsp|lrm|rlm);|[<>&]/gi,
      (whole, slash?: string, name?: string) =>
        name === undefined
          ? (escapes[whole] ?? (whole.startsWith('&') ? whole : ''))
          : `<${slash ?? ''}${name.toLowerCase()}>`,
    )
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('\n')
}

const escapes: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;' }

/** WebVTT (W3C). */
export const writeVtt = (cues: readonly Cue[]): string =>
  `WEBVTT\n\n${cues.map(({ startMs, endMs, text }) => `${vttTime(startMs)} --> ${vttTime(endMs)}\n${text}\n`).join('\n')}`
