import { CatamaranError } from '../domain/errors.ts'

const keyBytesMax = 1_024
const areas = ['objects', 'uploads', 'drop'] as const

/** What the first segment of an object's key says: where the bytes belong. */
export type ObjectArea = (typeof areas)[number]

/**
 * The area of a key or of a list's prefix. Throws `invalid-request` for what a store or a URL on the way would take for something
 * else: unknown areas, segments that are dots, control characters, ill-formed Unicode.
 */
export function areaOf(key: string): ObjectArea {
  const area = areas.find((one) => key.startsWith(`${one}/`))
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const isSafe = key.isWellFormed() && !/[\u0000-\u001f\u007f]/.test(key) && !/(^|\/)\.{1,2}(\/|$)/.test(key)
  if (area && isSafe && Buffer.byteLength(key) <= keyBytesMax) return area
  throw new CatamaranError('invalid-request', `Not an object key: ${JSON.stringify(key.slice(0, 80))}`)
}

/** The key as the path of a URL: every segment percent-encoded. */
export const objectPath = (key: string): string => key.split('/').map(encodeSegment).join('/')

/** As RFC 3986's unreserved characters have it, which is also what AWS Signature Version 4 wants. */
const encodeSegment = (segment: string): string =>
  encodeURIComponent(segment).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)

/** Names that every store takes: header tokens that are also identifiers. */
const metadataName = /^[a-z][a-z0-9_]{0,63}$/
const metadataValue = /^[\x21-\x7e]([\x20-\x7e]{0,510}[\x21-\x7e])?$/

/** Throws `invalid-request` for metadata that one of the stores would refuse or change. */
export function assertMetadata(metadata: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(metadata)) {
    if (metadataName.test(name) && metadataValue.test(value)) continue
    throw new CatamaranError('invalid-request', `Not metadata that a store takes: ${JSON.stringify(name)}`)
  }
}
