import { CatamaranError } from '../domain/errors.ts'
import type { ByteRange } from '../ports/object-store.ts'

/**
 * The one range of bytes that a Range header asks for (RFC 9110, 14.2), cut at the end of the representation. Undefined when
 * there is no header, or it is of another unit, malformed or of several ranges: then it is to be ignored.
 * Throws `range-not-satisfiable`.
 */
export function rangeOf(header: string | undefined, bytes: number): ByteRange | undefined {
  const [, first, last] = /^bytes=\s*([0-9]{0,15})-([0-9]{0,15})\s*$/i.exec(header ?? '') ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined
  if (first === '') return suffix(Number(last), bytes)
  if (last !== '' && Number(last) < Number(first)) return undefined
  if (Number(first) >= bytes) throw notSatisfiable(bytes)
  return { first: Number(first), last: Math.min(last === '' ? Infinity : Number(last), bytes - 1) }
}

function suffix(length: number, bytes: number): ByteRange {
  if (length === 0 || bytes === 0) throw notSatisfiable(bytes)
  return { first: Math.max(0, bytes - length), last: bytes - 1 }
}

const notSatisfiable = (bytes: number): CatamaranError =>
  new CatamaranError('range-not-satisfiable', `The representation has ${bytes} bytes.`)
