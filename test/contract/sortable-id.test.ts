import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { idOfSortable, sortableId } from '../../shared/domain/sortable-id.ts'
import { compareUtf8 } from '../../shared/domain/utf8.ts'

const text = fc.string({ unit: 'binary', maxLength: 20 }).filter((one) => one.isWellFormed())
const sign = (order: number): number => Math.sign(order)

/** The first and last code point of every form of the encoding, and their neighbours. */
const edges = [
  0, 0x1f, 0x20, 0x2c, 0x2d, 0x2e, 0x2f, 0x30, 0x3c, 0x3d, 0x3f, 0x40, 0x5a, 0x5b, 0x5c, 0x5d, 0x7c, 0x7d, 0x7f, 0x80,
  0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff,
].map((point) => String.fromCodePoint(point))

test('compareUtf8 is the order of the bytes', () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(sign(compareUtf8(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
    }),
    { numRuns: 2_000 },
  )
})

test('an encoded id decodes to itself, in allowed characters, at most twice as long', () => {
  fc.assert(
    fc.property(text, (id) => {
      const encoded = sortableId(id)
      expect(idOfSortable(encoded)).toBe(id)
      expect(encoded).toMatch(/^[!=.~:;<@[\]^_`{|}0-9A-Za-z-]*$/)
      expect(encoded).not.toMatch(/^\.{1,2}$/)
      expect(encoded.length).toBeLessThanOrEqual(2 * Buffer.byteLength(id))
    }),
    { numRuns: 2_000, examples: edges.map((edge) => [edge] as [string]) },
  )
})

test('order is kept, at every edge of the encoding and anywhere else', () => {
  const check = (a: string, b: string): void => {
    const [left, right] = [sortableId(a), sortableId(b)]
    expect(left < right ? -1 : left > right ? 1 : 0).toBe(sign(compareUtf8(a, b)))
  }
  for (const a of edges) {
    for (const b of edges) {
      check(a, b)
      check(`x${a}`, `x${b}y`)
      check(`${a}z`, `${b}\u0000`)
    }
  }
  fc.assert(fc.property(text, text, check), { numRuns: 2_000 })
  // Neighbours are where an encoding goes wrong.
  fc.assert(
    fc.property(text, text, text, (prefix, a, b) => check(prefix + a, prefix + b)),
    { numRuns: 2_000 },
  )
})

test('lone surrogates and foreign texts are refused', () => {
  for (const id of ['\ud800', 'a\udc00b'])
    expect(() => sortableId(id)).toThrow(expect.objectContaining({ code: 'invalid-request' }))
  for (const foreign of ['!', '~', '~0', '~zzz', '.%']) {
    expect(() => idOfSortable(foreign)).toThrow(expect.objectContaining({ code: 'invalid-request' }))
  }
})
