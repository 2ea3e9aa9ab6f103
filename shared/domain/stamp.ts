import { CatamaranError } from './errors.ts'
import { type Origin, originOf, type Site, siteOf } from './site.ts'

/**
 * A hybrid logical clock reading, as text that sorts in time order:
 * `<milliseconds, 12 hex>.<counter, 4 hex>.<nonce, 8 hex>.<origin>`.
 * The nonce makes a stamp name exactly one write, so a writer whose answer got lost can tell its own write from another's.
 * Source: Kulkarni et al., "Logical Physical Clocks", 2014.
 */
export type Stamp = string & { readonly brand: 'Stamp' }

export interface StampParts {
  readonly ms: number
  readonly counter: number
  readonly nonce: string
  readonly site: Site
  /** How often the site had gone back to a backup. */
  readonly incarnation?: number
}

const pattern = /^([0-9a-f]{12})\.([0-9a-f]{4})\.([0-9a-f]{8})\.((?:aws|azure)(?:-([1-9][0-9]{0,2}))?)$/
const originAt = 27
const counterMax = 0xffff

export const formatStamp = ({ ms, counter, nonce, site, incarnation }: StampParts): Stamp =>
  stampText(ms, counter, nonce, originOf(site, incarnation))

const stampText = (ms: number, counter: number, nonce: string, origin: Origin): Stamp =>
  `${hex(ms, 12)}.${hex(counter, 4)}.${nonce}.${origin}` as Stamp

/** Reads a stamp's parts. Throws `invalid-stamp` when the text is not one. */
export function parseStamp(text: string): StampParts {
  const [, ms, counter, nonce, origin, incarnation] = pattern.exec(text) ?? []
  if (!ms || !counter || !nonce || !origin) {
    throw new CatamaranError('invalid-stamp', `Not a stamp: ${text.slice(0, 60)}`)
  }
  const life = incarnation === undefined ? {} : { incarnation: Number(incarnation) }
  return { ms: parseInt(ms, 16), counter: parseInt(counter, 16), nonce, site: siteOf(origin as Origin), ...life }
}

export const isStamp = (text: unknown): text is Stamp => typeof text === 'string' && pattern.test(text)

export const stampMs = (stamp: Stamp): number => parseInt(stamp.slice(0, 12), 16)

export const stampSite = (stamp: Stamp): Site => parseStamp(stamp).site

export const stampOrigin = (stamp: Stamp): Origin => stamp.slice(originAt) as Origin

/** The next stamp of `origin`: later than the wall clock allows it to be equal, and later than everything in `seen`. */
export function nextStamp(origin: Origin, nowMs: number, nonce: string, seen: Stamp | undefined): Stamp {
  if (seen === undefined) return stampText(nowMs, 0, nonce, origin)
  const last = parseStamp(seen)
  if (nowMs > last.ms) return stampText(nowMs, 0, nonce, origin)
  if (last.counter < counterMax) return stampText(last.ms, last.counter + 1, nonce, origin)
  return stampText(last.ms + 1, 0, nonce, origin)
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')
