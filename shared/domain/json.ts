export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }
export type JsonObject = { [name: string]: Json }

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * JSON with sorted member names: equal values give equal text, whatever order they were built in.
 * The order is by UTF-16 code units, as in RFC 8785 (JSON Canonicalization Scheme).
 */
export function canonicalJson(value: Json | undefined): string {
  if (value === undefined) return ''
  return isInOrder(value) ? JSON.stringify(value) : sortedText(value)
}

/** Most values are: then the platform's own way is far quicker. */
function isInOrder(value: Json | undefined): boolean {
  if (typeof value !== 'object' || value === null) return value !== undefined
  if (Array.isArray(value)) return value.every(isInOrder)
  let before: string | undefined
  for (const name of Object.keys(value)) {
    if ((before !== undefined && name < before) || !isInOrder(value[name])) return false
    before = name
  }
  return true
}

function sortedText(value: Json | undefined): string {
  if (value === undefined) return ''
  if (Array.isArray(value)) return `[${value.map(sortedText).join(',')}]`
  if (isJsonObject(value)) {
    const members = Object.keys(value)
      .sort()
      .map((name) => `${JSON.stringify(name)}:${sortedText(value[name])}`)
    return `{${members.join(',')}}`
  }
  return JSON.stringify(value)
}

export const jsonEqual = (a: Json, b: Json): boolean => a === b || canonicalJson(a) === canonicalJson(b)
