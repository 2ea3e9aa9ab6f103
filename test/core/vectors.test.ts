import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { canonicalJson, type Json } from '../../shared/domain/json.ts'
import { bucketOf, derivedId, shardOf } from '../../shared/domain/hash.ts'
import { bucketCount, recordShardCount } from '../../shared/domain/record.ts'
import { formatStamp, nextStamp, parseStamp } from '../../shared/domain/stamp.ts'
import { incarnationMax, sites } from '../../shared/domain/site.ts'
import { compareVectors, joinVectors, vectorText, type Vector } from '../../shared/replication/vector.ts'

const stampAt = (site: 'aws' | 'azure') =>
  fc
    .record({ ms: fc.integer({ min: 0, max: 6 }), counter: fc.integer({ min: 0, max: 2 }) })
    .map(({ ms, counter }) => formatStamp({ ms, counter, nonce: '00000000', site }))

const vectors = fc
  .record({
    aws: fc.option(stampAt('aws'), { nil: undefined }),
    azure: fc.option(stampAt('azure'), { nil: undefined }),
  })
  .filter((vector) => vector.aws !== undefined || vector.azure !== undefined)
  .map((vector) => Object.fromEntries(Object.entries(vector).filter(([, stamp]) => stamp)) as Vector)

describe('vectors', () => {
  test('joining is commutative, associative, idempotent, and sees both', () => {
    fc.assert(
      fc.property(vectors, vectors, vectors, (a, b, c) => {
        expect(joinVectors(a, b)).toEqual(joinVectors(b, a))
        expect(joinVectors(joinVectors(a, b), c)).toEqual(joinVectors(a, joinVectors(b, c)))
        expect(joinVectors(a, a)).toEqual(a)
        expect(['equal', 'after']).toContain(compareVectors(joinVectors(a, b), a))
      }),
    )
  })

  test('comparing is antisymmetric, and equal means the same text', () => {
    const opposite = { equal: 'equal', before: 'after', after: 'before', concurrent: 'concurrent' } as const
    fc.assert(
      fc.property(vectors, vectors, (a, b) => {
        expect(compareVectors(b, a)).toBe(opposite[compareVectors(a, b)])
        expect(compareVectors(a, b) === 'equal').toBe(vectorText(a) === vectorText(b))
      }),
    )
  })
})

describe('stamps', () => {
  test('text order is time order, and the next stamp is later than all that was seen', () => {
    const anyStamp = fc.record({
      ms: fc.integer({ min: 0, max: 2 ** 47 }),
      counter: fc.integer({ min: 0, max: 0xffff }),
      nonce: fc.stringMatching(/^[0-9a-f]{8}$/),
      site: fc.constantFrom(...sites),
      incarnation: fc.integer({ min: 1, max: incarnationMax }),
    })
    fc.assert(
      fc.property(anyStamp, anyStamp, fc.integer({ min: 0, max: 2 ** 47 }), (a, b, nowMs) => {
        expect(parseStamp(formatStamp(a))).toEqual(a)
        if (a.ms !== b.ms) expect(formatStamp(a) < formatStamp(b)).toBe(a.ms < b.ms)
        expect(nextStamp('aws', nowMs, '00000000', formatStamp(a)) > formatStamp(a)).toBe(true)
      }),
    )
  })

  test.each(['', 'x', '0'.repeat(35), '000000000000.0000.00000000.gcp', '000000000000.0000.00000000.aws-0'])(
    '%j is not a stamp',
    (text) => {
      expect(() => parseStamp(text)).toThrow(expect.objectContaining({ code: 'invalid-stamp' }))
    },
  )
})

describe('hashes', () => {
  test('buckets and shards stay in range and are spread out', () => {
    const keys = Array.from({ length: 4000 }, (_, index) => ({ tenant: 't', collection: 'c', id: `id-${index}` }))
    const shards = new Set(keys.map(shardOf))
    const buckets = keys.map(bucketOf)
    expect(shards.size).toBe(recordShardCount)
    expect(Math.max(...buckets)).toBeLessThan(bucketCount)
    expect(new Set(buckets).size).toBeGreaterThan(3300)
  })

  test('the parts of a derived id cannot be confused with one another', () => {
    expect(derivedId('ab', 'c')).not.toBe(derivedId('a', 'bc'))
    expect(derivedId('a', 'b')).toMatch(/^[0-9a-z]{26}$/)
  })

  test('canonical JSON is the same for equal values, and reads back', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value as Json)
        expect(canonicalJson(JSON.parse(text) as Json)).toBe(text)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })
})
