import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts'

/** The picture shows this many columns; the profile has them all. */
const columnsShownMax = 60
const card = { width: 300, height: 132, gap: 12, across: 4, padding: 12 } as const
const head = 56
const bars = { top: 40, height: 62 } as const
const barsShownMax = 20
const labelCharactersMax = 30

interface Chart {
  readonly content: string
  readonly properties: JsonObject
}

/**
 * A profile as a picture: for each column its name and type, how much is missing, and a histogram of its numbers or of its
 * commonest values. An SVG without scripts, links or outside parts; the viewer's own fonts write every script.
 */
export function chartOf(profile: JsonObject): Chart {
  const all = Array.isArray(profile['columns']) ? profile['columns'].filter(isJsonObject) : []
  const columns = all.slice(0, columnsShownMax)
  const across = Math.max(1, Math.min(card.across, columns.length))
  const width = card.gap + Math.max(2, across) * (card.width + card.gap)
  const height = head + Math.ceil(columns.length / across) * (card.height + card.gap) + card.gap
  const cards = columns.map((column, index) => {
    const x = card.gap + (index % across) * (card.width + card.gap)
    const y = head + Math.floor(index / across) * (card.height + card.gap)
    return `<g transform="translate(${x} ${y})">${cardOf(column, Number(profile['rows']))}</g>`
  })
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif">`,
    `<rect width="${width}" height="${height}" fill="#f4f5f7"/>`,
    text(card.gap + 4, 34, titleOf(profile, all.length), 'font-size="18" font-weight="600" fill="#1c2430"'),
    ...cards,
    '</svg>',
  ]
  return { content: parts.join('\n'), properties: { width, height, columns: columns.length } }
}

function titleOf(profile: JsonObject, columns: number): string {
  const bad = Number(profile['badRowCount'] ?? 0)
  const more = columns > columnsShownMax ? `, ${columnsShownMax} shown` : ''
  return `${grouped(Number(profile['rows']))} rows, ${columns} columns${more}${bad > 0 ? `, ${grouped(bad)} bad rows` : ''}`
}

function cardOf(column: JsonObject, rows: number): string {
  const { name = '', type = '', missing = 0, distinct = 0, distinctExact = true } = column
  const share = rows > 0 ? Number(missing) / rows : 0
  const facts = `${plain(type)} · ${distinctExact === true ? '' : '~'}${grouped(Number(distinct))} different · ${percent(share)} missing`
  const { values, low, high } = barsOf(column)
  return [
    `<rect width="${card.width}" height="${card.height}" rx="6" fill="#fff" stroke="#d9dde3"/>`,
    text(card.padding, 20, clipped(plain(name)), 'font-size="13" font-weight="600" fill="#1c2430"'),
    text(card.padding, 35, facts, 'font-size="10" fill="#5b6675"'),
    ...barShapes(values),
    text(card.padding, card.height - 10, clipped(low), 'font-size="10" fill="#5b6675"'),
    text(card.width - card.padding, card.height - 10, clipped(high), 'font-size="10" fill="#5b6675" text-anchor="end"'),
    `<rect x="0" y="${card.height - 3}" width="${round(card.width * share)}" height="3" fill="#c2410c"/>`,
  ].join('')
}

interface Bars {
  readonly values: readonly number[]
  /** What stands below the first bar, and below the last. */
  readonly low: string
  readonly high: string
}

/** The histogram of numbers; else the commonest values, the commonest first; else nothing but the bounds. */
function barsOf({ histogram, top, min, max, lengthMin, lengthMax }: JsonObject): Bars {
  if (isJsonObject(histogram ?? null)) {
    const { counts, from, to } = histogram as JsonObject
    return { values: numbersOf(counts), low: short(from), high: short(to) }
  }
  const bounds = min === undefined ? '' : `${plain(min)} to ${plain(max)}`
  const lengths = lengthMin === undefined ? '' : `${plain(lengthMin)} to ${plain(lengthMax)} characters`
  if (!Array.isArray(top)) return { values: [], low: bounds || lengths, high: '' }
  const values = top.map((each) => (isJsonObject(each) ? Number(each['count']) : 0))
  const first = isJsonObject(top[0] ?? null) ? (top[0] as JsonObject) : {}
  return { values, low: bounds || plain(first['value']), high: values.length > 0 ? grouped(values[0] ?? 0) : '' }
}

const numbersOf = (value: Json | undefined): number[] => (Array.isArray(value) ? value.map(Number) : [])

function barShapes(all: readonly number[]): string[] {
  const values = all.slice(0, barsShownMax)
  const most = Math.max(1, ...values)
  const room = card.width - 2 * card.padding
  const step = room / Math.max(8, values.length)
  return values.map((value, index) => {
    const height = value === 0 ? 0 : Math.max(1, (value / most) * bars.height)
    const y = bars.top + bars.height - height
    return `<rect x="${round(card.padding + index * step)}" y="${round(y)}" width="${round(step - 2)}" height="${round(height)}" fill="#2f6fb2"/>`
  })
}

const text = (x: number, y: number, content: string, attributes: string): string =>
  `<text x="${x}" y="${y}" ${attributes}>${escaped(content)}</text>`

const round = (value: number): number => Math.round(value * 10) / 10
const grouped = (value: number): string => value.toLocaleString('en-US')
const percent = (share: number): string => `${(share * 100).toFixed(share > 0 && share < 0.01 ? 1 : 0)} %`

/** A number with six digits, a moment without its time. */
function short(value: Json | undefined): string {
  if (typeof value === 'number' && !Number.isInteger(value)) return String(Number(value.toPrecision(6)))
  return typeof value === 'string' ? value.slice(0, 10) : plain(value)
}

const plain = (value: Json | undefined): string =>
  typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)

function clipped(value: string): string {
  const characters = [...value]
  return characters.length > labelCharactersMax ? `${characters.slice(0, labelCharactersMax - 1).join('')}…` : value
}

/** Names and values are whatever somebody uploaded: what XML forbids becomes a space, what it reads is escaped. */
const escaped = (value: string): string =>
  value
    .toWellFormed()
    .replace(/[\s\u0000-\u001f\ufffe\uffff]+/g, ' ')
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
