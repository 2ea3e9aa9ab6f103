import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { applyStates } from '../../shared/core/apply.ts'
import { digestBuckets, readLeaves } from '../../shared/core/digest-tree.ts'
import { markDirty, readDirty } from '../../shared/core/dirty-buckets.ts'
import { stateOf } from '../../shared/core/record-history.ts'
import { reconcile } from '../../shared/core/reconcile.ts'
import { writeRecord } from '../../shared/core/records.ts'
import type { Services } from '../../shared/core/services.ts'
import { bucketOf } from '../../shared/domain/hash.ts'
import { bucketCount, type RecordKey } from '../../shared/domain/record.ts'
import { digestOfBucket, leafOfBucket, pageOfBucket } from '../../shared/replication/digest.ts'
import { packDigests, packedDifferences } from '../../shared/replication/packed-digests.ts'
import { crowdedKeys } from './crowded.ts'
import { type TestSite, type TwoSites, twoSites } from './two-sites.ts'

const keys = crowdedKeys()
const scrubRuns = 1024

const put = (services: Services, key: RecordKey, text: string) =>
  writeRecord(services, key, { precondition: { kind: 'none' } }, () => ({ text }))

/** The feed marks what changed, and what it offers gets lost. */
async function losingOffers(site: TestSite): Promise<void> {
  await markDirty(site.services, site.feed.splice(0))
}

const statesAt = ({ records }: TestSite) => records.all().map(stateOf)

/** What one site does to a record, beside or on top of the other. */
type Fate = 'none' | 'same' | 'only aws' | 'only azure' | 'newer at aws' | 'newer at azure' | 'concurrent'
const fates: readonly Fate[] = [
  'none',
  'same',
  'only aws',
  'only azure',
  'newer at aws',
  'newer at azure',
  'concurrent',
]

async function befall({ aws, azure, clock }: TwoSites, key: RecordKey, fate: Fate): Promise<void> {
  if (fate === 'none') return
  const [first, second] = fate === 'only azure' || fate === 'newer at azure' ? [azure, aws] : [aws, azure]
  if (fate !== 'concurrent' && !fate.startsWith('only')) {
    const { record } = await put(first.services, key, 'first')
    await applyStates(second.services, [stateOf(record)])
  }
  await clock.advance(1)
  if (fate !== 'same') await put(first.services, key, 'then')
  if (fate === 'concurrent') await put(second.services, key, 'beside')
}

describe('inside crowded buckets', () => {
  const withoutSalt = ({ services }: TestSite): Services => ({
    ...services,
    peer: { ...services.peer, summaries: (requests) => services.peer.summaries(requests) },
  })

  test.each([
    ['a peer that packs its digests', (site: TestSite) => site.services],
    ['a peer of the version before', withoutSalt],
  ])('whatever differs is the same after one reconcile with %s', async (_, servicesOf) => {
    const anyFates = fc.array(fc.constantFrom(...fates), { minLength: keys.length, maxLength: keys.length })
    await fc.assert(
      fc.asyncProperty(anyFates, fc.constantFrom('aws' as const, 'azure' as const), async (drawn, at) => {
        const sites = twoSites()
        for (const [index, fate] of drawn.entries()) await befall(sites, keys[index] as RecordKey, fate)
        for (const site of [sites.aws, sites.azure]) await losingOffers(site)
        await sites.clock.advance(10_000)
        const report = await reconcile(servicesOf(sites[at]))
        expect(report.error).toBeUndefined()
        const notes = (site: TestSite) => statesAt(site).filter(({ key }) => key.collection === 'notes')
        expect(notes(sites.aws)).toEqual(notes(sites.azure))
        // What a conflict left behind was written just now: the next run carries it over.
        await sites.flush()
        await sites.clock.advance(10_000)
        await reconcile(servicesOf(sites[at]))
        expect(statesAt(sites.aws)).toEqual(statesAt(sites.azure))
      }),
      { numRuns: 8, endOnFailure: true },
    )
  })

  test('one difference among sixty tells of a handful of records', async () => {
    const sites = twoSites()
    for (const key of keys) await befall(sites, key, 'same')
    for (const site of [sites.aws, sites.azure]) await losingOffers(site)
    await put(sites.azure.services, keys[7] as RecordKey, 'edited')
    await losingOffers(sites.azure)
    await sites.clock.advance(10_000)
    let told = 0
    let calls = 0
    const { services } = sites.aws
    const listening: Services = {
      ...services,
      peer: {
        ...services.peer,
        summaries: async (requests, salt) => {
          const answers = await services.peer.summaries(requests, salt)
          calls += 1
          told += answers.reduce((sum, answer) => sum + (answer.kind === 'entries' ? answer.entries.length : 0), 0)
          return answers
        },
      },
    }
    expect(await reconcile(listening)).toMatchObject({ pulled: 1, pushed: 0, bucketsDiffering: 1 })
    expect(calls).toBeLessThanOrEqual(5)
    expect(told).toBeGreaterThanOrEqual(1)
    expect(told).toBeLessThanOrEqual(4)
  })
})

describe('digests', () => {
  test('that are wrong about records which are alike are put right, long before the scrub comes by', async () => {
    const { aws, azure, clock } = twoSites()
    await put(azure.services, keys[0] as RecordKey, 'x')
    await losingOffers(azure)
    await clock.advance(10_000)
    expect(await reconcile(aws.services)).toMatchObject({ pulled: 1 })
    aws.feed.splice(0)
    await clock.advance(60_000)
    expect(await reconcile(aws.services)).toMatchObject({ bucketsDiffering: 1, pulled: 0, pushed: 0, clean: false })
    expect(await reconcile(aws.services)).toMatchObject({ bucketsDiffering: 0, clean: true })
  })

  test('two batches marked in one millisecond, whose records have the same stamp, are both read again', async () => {
    const { aws, clock } = twoSites()
    const [first, second] = [keys[0] as RecordKey, { tenant: 'acme', collection: 'c', id: 'elsewhere' }]
    const { record } = await put(aws.services, first, 'x')
    for (const key of [first, second]) await markDirty(aws.services, [{ ...record, key }])
    await clock.advance(10_000)
    const { buckets } = await readDirty(aws.services, 10)
    expect(new Set(buckets)).toEqual(new Set([bucketOf(first), bucketOf(second)]))
  })

  test('are those of the records in each bucket, however the buckets are read, and no others are read', async () => {
    const { aws, clock } = twoSites()
    for (const key of keys) await put(aws.services, key, 'x')
    for (let n = 0; n < 300; n++) await put(aws.services, { tenant: 'acme', collection: 'c', id: `r${n}` }, 'x')
    await clock.advance(1)
    const held = new Map<number, number>()
    for (const { key } of aws.records.all()) held.set(bucketOf(key), (held.get(bucketOf(key)) ?? 0) + 1)
    let read = new Set<number>()
    const records = {
      ...aws.records,
      scanBuckets: async (...args: Parameters<typeof aws.records.scanBuckets>) => {
        const page = await aws.records.scanBuckets(...args)
        for (const { key } of page.items) read.add(bucketOf(key))
        return page
      },
    }
    const services: Services = { ...aws.services, records }
    const anyBuckets = fc.uniqueArray(fc.oneof(fc.constantFrom(...held.keys()), fc.nat(bucketCount - 1)), {
      minLength: 1,
      maxLength: 400,
    })
    const isSplit = (buckets: readonly number[]): boolean => {
      const perPage = Map.groupBy(buckets, pageOfBucket)
      return [...perPage.values()].every(({ length }) => length <= 16)
    }
    const check = async (buckets: readonly number[]): Promise<void> => {
      read = new Set()
      await digestBuckets(services, buckets)
      if (isSplit(buckets)) expect([...read].filter((bucket) => !buckets.includes(bucket))).toEqual([])
      for (const bucket of buckets) {
        const entries = aws.records.all().filter(({ key }) => bucketOf(key) === bucket)
        const leaves = await readLeaves(services, pageOfBucket(bucket))
        expect(leaves[leafOfBucket(bucket)]).toBe(digestOfBucket(entries))
      }
    }
    await check(Array.from({ length: 16 }, (_, n) => 64 + n))
    // Every second bucket of a page: too many gaps to read each by itself.
    await check(Array.from({ length: 64 }, (_, n) => 2 * n + 1))
    await fc.assert(fc.asyncProperty(anyBuckets, check), { numRuns: 3 })
  })

  test('of parts combine to that of the whole, in any order', () => {
    const entry = fc.record({ key: fc.constantFrom(...keys), vector: fc.constant({}) })
    fc.assert(
      fc.property(fc.uniqueArray(entry, { selector: ({ key }) => key, minLength: 2 }), fc.nat(), (entries, at) => {
        const cut = at % entries.length
        const turned = [...entries.slice(cut), ...entries.slice(0, cut)]
        expect(digestOfBucket(turned)).toBe(digestOfBucket(entries))
        const sum = (parts: readonly string[]): string =>
          parts
            .map((part) => Buffer.from(part || 'AAAAAAAAAAAA', 'base64url'))
            .reduce((a, b) => Buffer.from(a.map((byte, index) => byte ^ (b[index] ?? 0))))
            .toString('base64url')
        const parts = [entries.slice(0, cut), entries.slice(cut)].map(digestOfBucket)
        expect(sum(parts)).toBe(digestOfBucket(entries))
      }),
    )
  })

  test('that are equal by chance when packed with one salt differ with another', () => {
    const packed = new Map<string, string>()
    // A collision of 24 bits among some thousands is all but certain.
    const twins = Array.from({ length: 20_000 }, (_, n) => `digest${n}`).flatMap((digest) => {
      const short = packDigests('salt', [digest])
      const known = packed.get(short)
      packed.set(short, digest)
      return known === undefined ? [] : [[known, digest] as const]
    })
    expect(twins.length).toBeGreaterThan(0)
    for (const [a, b] of twins) {
      expect(packedDifferences('salt', [a], packDigests('salt', [b]))).toEqual([])
      expect(packedDifferences('other', [a], packDigests('other', [b]))).toHaveLength(1)
    }
  })
})

describe('the scrub', () => {
  test('finds a change in any bucket that the feed never told of, within one cycle, from wherever it stands', async () => {
    const sites = twoSites()
    const wanted = new Set(Array.from({ length: bucketCount }, (_, bucket) => bucket))
    for (let n = 0; wanted.size > 0; n++) {
      const key = { tenant: 'acme', collection: 'notes', id: `s${n}` }
      if (wanted.delete(bucketOf(key))) await put(sites.aws.services, key, 'the feed forgot me')
    }
    sites.aws.feed.length = 0
    sites.connected = false
    for (let run = 0; run < 300; run++) await reconcile(sites.aws.services)
    sites.connected = true
    let found = 300 * 16
    for (let run = 300; run < scrubRuns; run++) {
      await sites.clock.advance(60_000)
      found += (await reconcile(sites.aws.services)).scrubFound
      await sites.flush()
    }
    expect(found).toBe(bucketCount)
    expect(sites.azure.records.all()).toHaveLength(bucketCount)
  }, 120_000)

  test('finds every event that was lost, within one cycle, wherever it was and when', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyLoss, { minLength: 80, maxLength: 80 }), async (drawn) => {
        const sites = twoSites()
        // Of each record one: a later one would stand beside the first, which nobody could tell then.
        const byId = new Map(
          drawn.map((loss, n) => ({ ...loss, key: keyIn(loss.place, n) })).map((loss) => [loss.key.id, loss]),
        )
        const losses = [...byId.values()]
        for (const { key, what } of losses) if (what !== 'first') await put(sites.aws.services, key, 'known')
        await sites.flush()
        const runOf = ({ key, when, at }: (typeof losses)[number]): number => {
          const share = Math.floor(bucketOf(key) / (bucketCount / scrubRuns))
          return when === 'any' ? at : (share + (when === 'just passed' ? 1 : 0)) % scrubRuns
        }
        for (let run = 0; run < 2 * scrubRuns; run++) {
          for (const loss of losses.filter((each) => runOf(each) === run)) await lose(sites.aws, loss)
          await sites.clock.advance(60_000)
          await reconcile(sites.aws.services)
          await sites.flush()
          for (const { key } of losses.filter((each) => runOf(each) + scrubRuns - 1 === run)) {
            const [here, there] = [await sites.aws.records.get(key), await sites.azure.records.get(key)]
            expect([key, there && stateOf(there)]).toEqual([key, here && stateOf(here)])
          }
        }
      }),
      { numRuns: 1, endOnFailure: true },
    )
  }, 120_000)
})

/** A change whose event is lost: of which record, and when, by the run of the scrub that comes next. */
const anyLoss = fc.record({
  place: fc.constantFrom('first bucket', 'last bucket', 'crowded', 'any', 'any', 'any'),
  what: fc.constantFrom('first', 'overwrite', 'delete'),
  // Where the scrub comes by next, where it has just been, or at any time.
  when: fc.constantFrom('about to come', 'just passed', 'any'),
  at: fc.nat(scrubRuns - 1),
})
type Loss = typeof anyLoss extends fc.Arbitrary<infer One> ? One : never

function keyIn(place: Loss['place'], n: number): RecordKey {
  const key = { tenant: 'acme', collection: 'notes', id: `lost${n}` }
  if (place === 'any') return key
  const crowd = keys[n % keys.length]
  const own = place === 'first bucket' ? 0 : place === 'last bucket' ? bucketCount - 1 : undefined
  return own === undefined ? { ...key, ...crowd } : (inBucket(own)[n % 4] ?? key)
}

const edges = new Map<number, RecordKey[]>()
/** Four records of a bucket. */
function inBucket(bucket: number): RecordKey[] {
  const known = edges.get(bucket) ?? []
  edges.set(bucket, known)
  for (let n = 0; known.length < 4; n++) {
    const key = { tenant: 'acme', collection: 'notes', id: `e${n}` }
    if (bucketOf(key) === bucket) known.push(key)
  }
  return known
}

async function lose({ services, feed }: TestSite, { key, what }: Loss & { readonly key: RecordKey }): Promise<void> {
  if (what === 'delete') await writeRecord(services, key, { precondition: { kind: 'none' } }, () => null)
  else await put(services, key, 'lost')
  feed.length = 0
}
