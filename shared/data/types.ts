import type { Json } from '../domain/json.ts'

/** Dates stay text in JSON; their type says that every value is a valid ISO 8601 date or date-time. */
export const columnTypes = ['integer', 'number', 'boolean', 'date', 'datetime', 'string'] as const
export type ColumnType = (typeof columnTypes)[number]

/** No leading zeros and no plus sign: `007` and `+49` are codes. */
const integer = /^(?:0|-?[1-9]\d{0,15})$/
const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,3})?$/
const significantDigitsMax = 15
const date = /^(\d{4})-(\d\d)-(\d\d)$/
const datetime =
  /^(\d{4})-(\d\d)-(\d\d)[T ]([01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-](?:0\d|1[0-4]):?[0-5]\d)?$/

/** The narrowest type of one cell's text; undefined when the cell is empty. */
export function typeOfText(text: string): ColumnType | undefined {
  if (text === '') return undefined
  const first = text.charCodeAt(0)
  // Digits and the minus sign begin every type but one: most text is settled by its first character.
  if (first !== 45 && (first < 48 || first > 57)) return /^(?:true|false)$/i.test(text) ? 'boolean' : 'string'
  if (integer.test(text) && Number.isSafeInteger(Number(text))) return 'integer'
  if (isNumber(text)) return 'number'
  const parts = date.exec(text)
  if (parts) return isCalendarDate(parts) ? 'date' : 'string'
  const moment = datetime.exec(text)
  return moment && isCalendarDate(moment) ? 'datetime' : 'string'
}

/** A number that a JSON number holds without loss of digits. */
function isNumber(text: string): boolean {
  if (!number.test(text) || text === '-0' || !Number.isFinite(Number(text))) return false
  const digits = text
    .replace(/[eE].*$/, '')
    .replace(/[-.]/g, '')
    .replace(/^0+/, '')
  return digits.length <= significantDigitsMax
}

function isCalendarDate(parts: RegExpExecArray): boolean {
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])]
  return month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate()
}

/** The narrowest type that holds both. */
export function joinTypes(a: ColumnType | undefined, b: ColumnType | undefined): ColumnType | undefined {
  if (a === undefined || a === b) return b
  if (b === undefined) return a
  const numeric = (type: ColumnType): boolean => type === 'integer' || type === 'number'
  return numeric(a) && numeric(b) ? 'number' : 'string'
}

/** The JSON value of a cell in a column of this type. A cell that doesn't fit stays text, an empty one is null. */
export function valueOf(text: string, type: ColumnType): Json {
  if (text === '') return null
  if (type === 'string' || type === 'date' || type === 'datetime') return text
  const own = typeOfText(text)
  if (type === 'boolean') return own === 'boolean' ? text.toLowerCase() === 'true' : text
  return own === 'integer' || (own === 'number' && type === 'number') ? Number(text) : text
}

/** The type of a value that came from JSON; undefined for null. */
export function typeOfJson(value: Json): ColumnType | undefined {
  if (value === null) return undefined
  if (typeof value === 'boolean') return 'boolean'
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'integer' : 'number'
  if (typeof value !== 'string') return 'string'
  const type = typeOfText(value)
  return type === 'date' || type === 'datetime' ? type : 'string'
}
