import { CatamaranError } from './errors.ts'
import { isSite, type Site } from './site.ts'

/**
 * A hybrid logical clock reading, as text that sorts in time order:
 * `<milliseconds, 12 hex>.<counter, 4 hex>.<nonce, 8 hex>.<site>`.
 * The nonce makes a stamp name exactly one write, so a writer whose answer got lost can tell its own write from another's.
 * Source: Kulkarni et al., "Logical Physical Clocks", 2014.
 */
export type Stamp = string & { readonly brand: 'Stamp' }

export interface StampParts {
  readonly ms: number
  readonly counter: number
  readonly nonce: string
  readonly site: Site
}

const pattern = /^([0-9a-f]{12})\.([0-9a-f]{4})\.([0-9a-f]{8})\.(aws|azure)$/
const counterMax = 0xffff

export const formatStamp = ({ ms, counter, nonce, site }: StampParts): Stamp =>
  `${hex(ms, 12)}.${hex(counter, 4)}.${nonce}.${site}` as Stamp

/** Reads a stamp's parts. Throws `invalid-stamp` when the text is not one. */
export function parseStamp(text: string): StampParts {
  const [, ms, counter, nonce, site] = pattern.exec(text) ?? []
  if (!ms || !counter || !nonce || !site || !isSite(site)) {
    throw new CatamaranError('invalid-stamp', `Not a stamp: ${text.slice(0, 60)}`)
  }
  return { ms: parseInt(ms, 16), counter: parseInt(counter, 16), nonce, site }
}

export const isStamp = (text: unknown): text is Stamp => typeof text === 'string' && pattern.test(text)

export const stampMs = (stamp: Stamp): number => parseInt(stamp.slice(0, 12), 16)

export const stampSite = (stamp: Stamp): Site => parseStamp(stamp).site

/** The next stamp at `site`: later than the wall clock allows it to be equal, and later than everything in `seen`. */
export function nextStamp(site: Site, nowMs: number, nonce: string, seen: Stamp | undefined): Stamp {
  if (seen === undefined) return formatStamp({ ms: nowMs, counter: 0, nonce, site })
  const last = parseStamp(seen)
  if (nowMs > last.ms) return formatStamp({ ms: nowMs, counter: 0, nonce, site })
  if (last.counter < counterMax) return formatStamp({ ms: last.ms, counter: last.counter + 1, nonce, site })
  return formatStamp({ ms: last.ms + 1, counter: 0, nonce, site })
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')
