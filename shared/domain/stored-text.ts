import { CatamaranError } from './errors.ts'
import { canonicalJson, isJsonObject, type Json, type JsonObject } from './json.ts'
import { recordBytesMax, recordIdBytesMax, siteIdBytesMax, siteItemBytesMax } from './limits.ts'
import type { AppliedKey, FieldFacts, RecordState } from './record.ts'

/**
 * What stores keep of a record's free-form parts: canonical JSON as text, since no store's own documents hold every JSON value
 * (40 digits, 1e300, empty names, deep nesting).
 */
export interface StoredText {
  /** Undefined for a tombstone. */
  readonly body: string | undefined
  readonly applied: string | undefined
  readonly fields: string | undefined
}

/** Throws `too-large` over recordBytesMax and `invalid-request` for text that is not well-formed Unicode. */
export function storedText({ key, body, applied, fields }: RecordState): StoredText {
  assertId(key.id, recordIdBytesMax)
  const text = {
    body: body === null ? undefined : wellFormedJson(body),
    applied: applied && applied.length > 0 ? canonicalJson(applied.map((entry) => ({ ...entry }))) : undefined,
    fields: fields ? wellFormedJson(fields as unknown as JsonObject) : undefined,
  }
  const bytes = [text.body, text.applied, text.fields].reduce((sum, part) => sum + Buffer.byteLength(part ?? ''), 0)
  assertBytes(bytes, recordBytesMax)
  return text
}

export const parseBody = (text: string | undefined): JsonObject | null =>
  text === undefined ? null : (JSON.parse(text) as JsonObject)

export const parseApplied = (text: string | undefined): { applied?: readonly AppliedKey[] } =>
  text === undefined ? {} : { applied: JSON.parse(text) as AppliedKey[] }

export const parseFields = (text: string | undefined): { fields?: FieldFacts } =>
  text === undefined ? {} : { fields: JSON.parse(text) as FieldFacts }

/** The text of a site item's value, with the same refusals as a record. */
export function siteText(id: string, value: JsonObject): string {
  assertId(id, siteIdBytesMax)
  const text = wellFormedJson(value)
  assertBytes(Buffer.byteLength(text), siteItemBytesMax)
  return text
}

function wellFormedJson(value: JsonObject): string {
  const text = canonicalJson(value)
  // JSON.stringify writes a lone surrogate, and nothing else, as an escape of this form.
  if (text.includes('\\ud') && !isWellFormed(value)) {
    throw new CatamaranError('invalid-request', 'Text must be well-formed Unicode, without lone surrogates')
  }
  return text
}

function isWellFormed(value: Json): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  if (Array.isArray(value)) return value.every(isWellFormed)
  if (isJsonObject(value)) {
    return Object.entries(value).every(([name, member]) => name.isWellFormed() && isWellFormed(member))
  }
  return true
}

function assertId(id: string, bytesMax: number): void {
  const bytes = Buffer.byteLength(id)
  if (id.isWellFormed() && bytes > 0 && bytes <= bytesMax) return
  throw new CatamaranError('invalid-request', `An id must be 1 to ${bytesMax} bytes of well-formed Unicode`)
}

function assertBytes(bytes: number, bytesMax: number): void {
  if (bytes <= bytesMax) return
  throw new CatamaranError('too-large', `${bytes} bytes, but an item holds at most ${bytesMax}`)
}
