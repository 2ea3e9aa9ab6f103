import { decodeHead } from '../data/encoding.ts'
import { detectDelimiter } from '../data/delimiter.ts'
import { looksLikeSubRip, subRipType } from './subtitles.ts'

interface SniffedText {
  readonly mediaType: string
  /** Holds rows. */
  readonly data: boolean
}

/** Types of text that have no magic number. Undefined when the bytes are no text at all. */
export function sniffText(head: Uint8Array, declared: string): SniffedText | undefined {
  const text = decodeHead(head)
  if (text === undefined) return undefined
  const start = text.trimStart()
  if (start === '') return { mediaType: head.length === 0 ? 'application/octet-stream' : 'text/plain', data: false }
  return (
    sniffMarkup(start) ?? sniffJson(start) ?? sniffTable(text, declared) ?? { mediaType: 'text/plain', data: false }
  )
}

function sniffMarkup(start: string): SniffedText | undefined {
  if (/^\uFEFF?WEBVTT(\s|$)/.test(start)) return { mediaType: 'text/vtt', data: false }
  if (looksLikeSubRip(start)) return { mediaType: subRipType, data: false }
  if (start.startsWith('#EXTM3U')) return { mediaType: 'application/vnd.apple.mpegurl', data: false }
  if (/^(ffconcat version|;FFMETADATA)/.test(start)) return { mediaType: 'text/plain', data: false }
  if (!start.startsWith('<')) return undefined
  const element = firstElement(start)
  if (element === undefined) return { mediaType: 'text/plain', data: false }
  if (element.toLowerCase() === 'svg') return { mediaType: 'image/svg+xml', data: false }
  if (element === 'MPD') return { mediaType: 'application/dash+xml', data: false }
  if (/^(html|head|body|script)$/i.test(element)) return { mediaType: 'text/html', data: false }
  return { mediaType: 'application/xml', data: false }
}

/** What may stand in front of the first element of markup, and how each ends. */
const prologue = [
  [/<\?/y, /\?>/g],
  [/<!--/y, /-->/g],
  [/<!DOCTYPE[^[>]*\[/iy, /\][^>]*>/g],
  [/<!DOCTYPE/iy, />/g],
] as const

/** Its name, without prefix. Step by step, each as long as it is: one expression for all would try them in every grouping. */
function firstElement(text: string): string | undefined {
  const space = /[\s\uFEFF]*/y
  for (let at = 0; ; ) {
    at = endOf(space, text, at) ?? at
    const [, end] = prologue.find(([begin]) => endOf(begin, text, at) !== undefined) ?? []
    if (!end) {
      const name = /<(?:[A-Za-z][\w.-]*:)?([A-Za-z][\w.-]*)/y
      name.lastIndex = at
      return name.exec(text)?.[1]
    }
    const next = endOf(end, text, at)
    if (next === undefined) return undefined
    at = next
  }
}

function endOf(pattern: RegExp, text: string, from: number): number | undefined {
  pattern.lastIndex = from
  return pattern.test(text) ? pattern.lastIndex : undefined
}

function sniffJson(start: string): SniffedText | undefined {
  if (start.startsWith('['))
    return /^\[\s*(\{|\]|$)/.test(start) ? { mediaType: 'application/json', data: true } : undefined
  if (!start.startsWith('{')) return undefined
  const lines = start.split(/\r?\n/)
  if (isJson(lines[0])) {
    const second = lines.slice(1).find((line) => line.trim() !== '')
    const whole = second === undefined && lines.length === 1
    if (second?.trimStart().startsWith('{') || (second === undefined && !whole))
      return { mediaType: 'application/x-ndjson', data: true }
  }
  return /^\{\s*("|\}|$)/.test(start) ? { mediaType: 'application/json', data: false } : undefined
}

const isJson = (line: string | undefined): boolean => {
  try {
    JSON.parse(line ?? '')
    return true
  } catch {
    return false
  }
}

const tableTypes: Readonly<Record<string, string>> = {
  'text/csv': 'text/csv',
  'application/csv': 'text/csv',
  'application/vnd.ms-excel': 'text/csv',
  'text/tab-separated-values': 'text/tab-separated-values',
}

function sniffTable(text: string, declared: string): SniffedText | undefined {
  const delimiter = detectDelimiter(text)
  const hint = tableTypes[declared.split(';')[0]?.trim().toLowerCase() ?? '']
  if (delimiter === undefined && hint === undefined) return undefined
  if (delimiter === '\t') return { mediaType: 'text/tab-separated-values', data: true }
  return { mediaType: delimiter === undefined ? (hint ?? 'text/csv') : 'text/csv', data: true }
}
