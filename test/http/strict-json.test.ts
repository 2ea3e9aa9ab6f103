import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { jsonDepthMax, jsonPointer, parseStrictJson } from '../../shared/http/strict-json.ts'
import { mergePatch } from '../../shared/http/merge-patch.ts'
import type { JsonObject } from '../../shared/domain/json.ts'

const fault = (text: string): { message: string; pointer: string } => {
  try {
    parseStrictJson(text)
  } catch (error) {
    const { message, details } = error as { message: string; details: { errors: { pointer: string }[] } }
    return { message, pointer: details.errors[0]?.pointer ?? '' }
  }
  throw new Error(`Taken: ${text}`)
}

describe('strict JSON', () => {
  test('reads whatever JSON.stringify writes, as JSON.parse does', () => {
    const value = fc.jsonValue({ stringUnit: 'grapheme', noUnicodeString: false } as object)
    fc.assert(
      fc.property(value, fc.constantFrom(0, 2), (each, indent) => {
        const text = JSON.stringify(each, undefined, indent)
        fc.pre(!text.includes('"__proto__"') && text.isWellFormed() && !/\\ud[89a-f]/.test(text))
        expect(parseStrictJson(text)).toEqual(JSON.parse(text))
      }),
      { numRuns: 500 },
    )
  })

  test('takes nothing that JSON.parse refuses, and fails only as a request fault', () => {
    const mangled = fc
      .tuple(
        fc.json(),
        fc.nat(),
        fc.constantFrom('', '"', '{', '}', '[', ']', ',', ':', '\\', 'e', '-', '\u0000', ' ', '1'),
      )
      .map(
        ([text, at, insert]) =>
          text.slice(0, at % (text.length + 1)) + insert + text.slice((at % (text.length + 1)) + 1),
      )
    fc.assert(
      fc.property(mangled, (text) => {
        let taken: unknown
        try {
          taken = parseStrictJson(text)
        } catch (error) {
          expect(error).toMatchObject({ name: 'CatamaranError', code: 'invalid-request' })
          return
        }
        expect(taken).toEqual(JSON.parse(text))
      }),
      { numRuns: 2000 },
    )
  })

  test.each([
    ['{"a":{"b/c":[1,2,x]}}', '/a/b~1c/2', 'line 1, column 18'],
    ['{\n  "a": 01\n}', '', 'line 2, column 9'],
    ['{"a":1 "b":2}', '', 'line 1, column 8'],
    ['{"a":"x', '/a', 'line 1, column 8'],
    ['{"a":"\t"}', '/a', 'line 1, column 7'],
    ['{"\\u0061":1,"a":2}', '', 'line 1, column 13'],
    ['1 2', '', 'line 1, column 3'],
    ['{"constructor":{"__proto__":1}}', '/constructor', 'line 1, column 17'],
    ['[1e400]', '/0', 'line 1, column 2'],
  ])('%s fails at its place', (text, pointer, place) => {
    expect(fault(text)).toMatchObject({ pointer, message: expect.stringContaining(place) })
  })

  test('depth is bounded, length is not', () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
    expect(() => parseStrictJson(nested(jsonDepthMax))).not.toThrow()
    expect(fault(nested(jsonDepthMax + 1)).message).toMatch('deeper than 64')
    expect(fault(nested(100_000)).message).toMatch('deeper than 64')
    const long = 'x\\n'.repeat(300_000)
    expect(parseStrictJson(`"${long}"`)).toHaveLength(600_000)
  })

  test('pointers are RFC 6901', () => {
    expect(jsonPointer(['a/b', 'm~n', 0, ''])).toBe('/a~1b/m~0n/0/')
  })
})

/** The examples of RFC 7396, appendix A, as far as both sides are objects. */
test.each<[JsonObject, JsonObject, JsonObject]>([
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
])('merge patch of %j with %j', (target, patch, expected) => {
  const before = JSON.stringify(target)
  expect(mergePatch(target, patch)).toEqual(expected)
  expect(JSON.stringify(target)).toBe(before)
})
