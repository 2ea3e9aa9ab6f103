import { CatamaranError } from './errors.ts'

/**
 * The part of a representation of `bytes` bytes that a range with both ends included stands for: its end is cut off at the last
 * byte. Throws `range-not-satisfiable` when it starts past the end or ends before it starts (RFC 9110, 14.1.2).
 */
export function resolveRange(
  range: { readonly first: number; readonly last: number },
  bytes: number,
): { readonly first: number; readonly last: number } {
  assertRange(range)
  if (range.first >= bytes) throw new CatamaranError('range-not-satisfiable', `There are ${bytes} bytes`)
  return { first: range.first, last: Math.min(range.last, bytes - 1) }
}

/** Refuses what no representation could satisfy. */
export function assertRange({ first, last }: { readonly first: number; readonly last: number }): void {
  if (Number.isSafeInteger(first) && Number.isSafeInteger(last) && first >= 0 && last >= first) return
  throw new CatamaranError('range-not-satisfiable', `Not a range: ${first}-${last}`)
}
