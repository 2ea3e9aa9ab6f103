import { CatamaranError } from './errors.ts'

/**
 * An id as text that every store takes as an identifier: only `-0-9A-Z_a-z` and a few marks, no `/ \ ? # %`, never `.` or `..`.
 * Order is kept: `sortableId(a) < sortableId(b)` exactly when `a` stands before `b` by UTF-8 bytes.
 * At most twice as many bytes as the id has. Throws `invalid-request` when the text has a lone surrogate.
 *
 * A code point that is not itself safe is written as a lead character and digits. Leads stand in the order of what they lead,
 * and never stand for themselves, which is what keeps order:
 *
 *   U+0000-002C  ! d      U+002E-002F  . d     U+003D-003F  = d     U+005B-005C  [ d     U+007D-007F  } d
 *   U+0080-07FF  ~ dd     (first digit 0 to 31)
 *   U+0800-FFFF  ~ ddd    (first digit 32 to 47)
 *   U+10000-     ~ dddd   (first digit 48 to 51, all above in the order of code points)
 */
export function sortableId(id: string): string {
  if (!id.isWellFormed()) throw new CatamaranError('invalid-request', 'An id must not contain a lone surrogate')
  let text = ''
  for (const character of id) text += encode(character.codePointAt(0) ?? 0, character)
  return text
}

/** The id that `sortableId` made this text from. Throws `invalid-request` for any other text. */
export function idOfSortable(text: string): string {
  let id = ''
  for (let at = 0; at < text.length; ) {
    const lead = text.charAt(at)
    if (lead === '~') {
      const [point, used] = decodeWide(text, at + 1)
      id += String.fromCodePoint(point)
      at += 1 + used
      continue
    }
    const range = ranges.find((one) => one.lead === lead)
    id += range ? String.fromCharCode(range.first + digitAt(text, at + 1)) : lead
    at += range ? 2 : 1
  }
  return id
}

/** 64 digits in ASCII order. */
const digits = '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz'
const digit = (value: number): string => digits.charAt(value)

const ranges = [
  { lead: '!', first: 0x00, last: 0x2c },
  { lead: '.', first: 0x2e, last: 0x2f },
  { lead: '=', first: 0x3d, last: 0x3f },
  { lead: '[', first: 0x5b, last: 0x5c },
  { lead: '}', first: 0x7d, last: 0x7f },
] as const

function encode(point: number, character: string): string {
  if (point < 0x80) {
    const range = ranges.find(({ first, last }) => point >= first && point <= last)
    return range ? range.lead + digit(point - range.first) : character
  }
  if (point < 0x800) return `~${digit(point >> 6)}${digit(point & 63)}`
  if (point < 0x10000) return `~${digit(32 + (point >> 12))}${digit((point >> 6) & 63)}${digit(point & 63)}`
  const rest = point - 0x10000
  return `~${digit(48 + (rest >> 18))}${digit((rest >> 12) & 63)}${digit((rest >> 6) & 63)}${digit(rest & 63)}`
}

function decodeWide(text: string, at: number): [point: number, used: number] {
  const first = digitAt(text, at)
  const second = digitAt(text, at + 1)
  if (first < 32) return [(first << 6) | second, 2]
  const third = digitAt(text, at + 2)
  if (first < 48) return [((first - 32) << 12) | (second << 6) | third, 3]
  return [(((first - 48) << 18) | (second << 12) | (third << 6) | digitAt(text, at + 3)) + 0x10000, 4]
}

function digitAt(text: string, at: number): number {
  const value = at < text.length ? digits.indexOf(text.charAt(at)) : -1
  if (value < 0) throw new CatamaranError('invalid-request', `Not an encoded id: ${text.slice(0, 60)}`)
  return value
}
