import { expect, test } from '@jest/globals'
import { lastOfPage, readBuckets } from '../../shared/core/bucket-reading.ts'
import { writeRecord } from '../../shared/core/records.ts'
import { bucketOf } from '../../shared/domain/hash.ts'
import { bucketCount, type RecordKey } from '../../shared/domain/record.ts'
import { twoSites } from './two-sites.ts'

test('a walk in small stretches sees every record once, and cuts no bucket', async () => {
  const { services } = twoSites().aws
  const page = 5
  // Ids whose buckets lie in one page of the tree, many of them in the same bucket.
  const keys: RecordKey[] = []
  for (let n = 0; keys.length < 300; n++) {
    const key = { tenant: 't1', collection: 'notes', id: `n${n}` }
    if (Math.floor(bucketOf(key) / 128) === page) keys.push(key)
  }
  for (const key of keys) await writeRecord(services, key, { precondition: { kind: 'none' } }, () => ({}))
  const whole = new Map(keys.map((key) => [bucketOf(key), keys.filter((each) => bucketOf(each) === bucketOf(key))]))
  expect(Math.max(...[...whole.values()].map(({ length }) => length))).toBeGreaterThan(3)
  for (const entriesMax of [1, 2, 7, 50]) {
    let seen = 0
    for (let first = page * 128; first < (page + 1) * 128; ) {
      const contents = await readBuckets(services, { first, last: lastOfPage(first) }, entriesMax)
      expect(contents.map(({ bucket }) => bucket)).toEqual(contents.map((_, offset) => first + offset))
      for (const { bucket, entries } of contents) expect(entries).toHaveLength(whole.get(bucket)?.length ?? 0)
      seen += contents.reduce((sum, { entries }) => sum + entries.length, 0)
      first += contents.length
    }
    expect(seen).toBe(keys.length)
  }
  expect(lastOfPage(bucketCount - 1)).toBe(bucketCount - 1)
})
