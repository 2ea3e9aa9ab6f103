import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { pauseReplication, resumeReplication } from '../../shared/core/pause.ts'
import { stateOf } from '../../shared/core/record-history.ts'
import { writeRecord } from '../../shared/core/records.ts'
import { mediaKey } from '../../shared/domain/asset.ts'
import { bucketOf } from '../../shared/domain/hash.ts'
import type { JsonObject } from '../../shared/domain/json.ts'
import { offerStatesMax, stampAheadMsMax } from '../../shared/domain/limits.ts'
import type { RecordKey, RecordState } from '../../shared/domain/record.ts'
import type { Peer } from '../../shared/ports/peer.ts'
import {
  bucketAt,
  digestOfBucket,
  digestOfChildren,
  leavesPerPage,
  pageOfBucket,
} from '../../shared/replication/digest.ts'
import type { MemoryJobQueue } from '../memory/job-queue.ts'
import type { MemoryObjectStore } from '../memory/object-store.ts'
import type { TwoSites } from '../core/two-sites.ts'
import { anyJsonObject, everyPage, freshTenant, stamp, state } from './fixtures.ts'

export interface PeerContext {
  /** Azure, as AWS reaches it. */
  readonly peer: Peer
  /** While `connected` is false, no call gets through. */
  readonly sites: TwoSites
}

const none = { precondition: { kind: 'none' } } as const

/** What every way to the other site promises. */
export function peerSuite(name: string, make: () => PeerContext): void {
  const keyOf = (id = 'a'): RecordKey => ({ tenant: freshTenant(), collection: 'notes', id })

  describe(`${name}: states`, () => {
    test('outcomes come in the order of the offer, which may be made again and in any order', async () => {
      const { peer, sites } = make()
      const nowMs = sites.clock.now()
      const [fresh, both, late] = [keyOf(), keyOf(), keyOf()]
      const { record } = await writeRecord(sites.azure.services, both, none, () => ({ from: 'azure' }))
      const known = stateOf(record)
      const offer = [
        state(fresh, { n: 1 }, nowMs),
        known,
        state(both, { from: 'aws' }, nowMs - 1),
        state(late, {}, nowMs + stampAheadMsMax + 1),
      ]
      const kinds = async (states: readonly RecordState[]) => (await peer.offer(states)).map(({ kind }) => kind)
      expect(await kinds(offer)).toEqual(['applied', 'known', 'merged', 'quarantined'])
      expect(await kinds([...offer].reverse())).toEqual(['quarantined', 'known', 'known', 'known'])
      expect((await peer.read([fresh, both, late])).map((found) => found?.body)).toEqual([
        { n: 1 },
        { from: 'azure' },
        undefined,
      ])
      expect(await peer.offer([])).toEqual([])
    })

    test('any state arrives and comes back unchanged, tombstones and idempotency keys included', async () => {
      const { peer, sites } = make()
      const anyId = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }).filter((id) => id.isWellFormed())
      const arrives = async (id: string, body: JsonObject | null): Promise<void> => {
        const at = stamp(sites.clock.now())
        const applied = [{ key: 'k', print: 'p', stamp: at }]
        const known = { vector: { aws: at, 'azure-2': stamp(1, 0, 'azure') }, overruled: { 'azure-2': 'a print' } }
        const sent = { ...state(keyOf(id), body), ...known, stamp: at, applied }
        expect(await peer.offer([sent])).toEqual([{ kind: 'applied' }])
        expect(await peer.read([sent.key])).toEqual([sent])
      }
      await arrives('gone', null)
      await arrives('named', JSON.parse('{"__proto__":{"constructor":[{"__proto__":1}]},"":""}') as JsonObject)
      await fc.assert(fc.asyncProperty(anyId, anyJsonObject, arrives), { numRuns: 40 })
    })

    test('as many as may be offered and asked for at once', async () => {
      const { peer, sites } = make()
      const keys = Array.from({ length: offerStatesMax }, (_, n) => keyOf(`r${n}`))
      const states = keys.map((key, n) => state(key, { n, text: 'x'.repeat(9_000) }, sites.clock.now()))
      expect(new Set((await peer.offer(states)).map(({ kind }) => kind))).toEqual(new Set(['applied']))
      const asked = [...keys.slice(1), keyOf('none')]
      expect((await peer.read(asked)).map((found) => found?.body?.['n'])).toEqual([
        ...keys.slice(1).map((_, n) => n + 1),
        undefined,
      ])
    })

    test('a collection is listed in order of id, with its tombstones and nobody else’s', async () => {
      const { peer, sites } = make()
      const { tenant } = keyOf()
      const ids = ['a', 'a/b', 'é', 'z', ...Array.from({ length: 20 }, (_, n) => `n${n}`)]
      const states = ids.map((id, n) =>
        state({ tenant, collection: 'notes', id }, n % 3 === 0 ? null : { n }, sites.clock.now()),
      )
      await peer.offer([...states, state(keyOf(), {}, sites.clock.now())])
      const expected = [...states].sort((a, b) => Buffer.compare(Buffer.from(a.key.id), Buffer.from(b.key.id)))
      for (const limit of [1, 7, 100]) {
        const list = (after: string | undefined) => peer.list({ tenant, collection: 'notes' }, { after, limit })
        expect(await everyPage(list, limit)).toEqual(expected)
      }
    })
  })

  describe(`${name}: objects, summaries and status`, () => {
    test('grants read immutable objects, as they were asked for, and nothing else', async () => {
      const { peer, sites } = make()
      const objects = sites.azure.services.objects as MemoryObjectStore
      const { tenant } = keyOf()
      const [staged, key] = [`uploads/${tenant}/x`, `objects/${tenant}/a/ü`]
      const metadata = { sha256: 'ab' }
      for (const one of [staged, key]) {
        await objects.put(one, Buffer.from('bytes'), { mediaType: 'text/plain', metadata })
      }
      const as = { mediaType: 'image/png', disposition: `inline; filename="x"; filename*=UTF-8''%C3%BC` }
      const grants = await peer.grantRead([staged, key, `objects/${tenant}/none`], as)
      expect(grants).toMatchObject([undefined, { key, bytes: 5, mediaType: 'text/plain', metadata }, undefined])
      const answer = await objects.fetch(grants[1]?.url ?? '')
      expect([await answer.text(), answer.headers.get('content-type')]).toEqual(['bytes', as.mediaType])
      expect(answer.headers.get('content-disposition')).toBe(as.disposition)
      expect(grants[1]?.expiresAtMs).toBeGreaterThan(sites.clock.now())
      const [plain] = await peer.grantRead([key])
      expect((await objects.fetch(plain?.url ?? '')).headers.get('content-type')).toBe('text/plain')
    })

    test('grants of what the store is not asked about lead to the bytes, or to nothing', async () => {
      const { peer, sites } = make()
      const objects = sites.azure.services.objects as MemoryObjectStore
      const { tenant } = keyOf()
      const [staged, key, absent] = [`uploads/${tenant}/x`, `objects/${tenant}/a/b`, `objects/${tenant}/none`]
      for (const one of [staged, key]) await objects.put(one, Buffer.from('bytes'), { mediaType: 'text/plain' })
      const [none, found, nothing] = await peer.grantRead([staged, key, absent], { unseen: true })
      expect([none, found?.key, nothing?.key]).toEqual([undefined, key, absent])
      expect(await (await objects.fetch(found?.url ?? '')).text()).toBe('bytes')
      expect((await objects.fetch(nothing?.url ?? '')).status).toBe(404)
    })

    test('summaries lead from the root to what differs, and end where nothing does', async () => {
      const { peer, sites } = make()
      const key = keyOf()
      const { record } = await writeRecord(sites.aws.services, key, none, () => ({ n: 1 }))
      await sites.flush()
      // The feed's marks settle before they are looked at.
      await sites.clock.advance(10_000)
      const ask = async (path: readonly number[], digest = '') => (await peer.summaries([{ path, digest }]))[0]
      const children = async (path: readonly number[]): Promise<readonly string[]> => {
        const found = await ask(path)
        if (found?.kind !== 'digests') throw new Error(`${path}: ${found?.kind}`)
        expect(await ask(path, digestOfChildren(found.digests))).toMatchObject({ kind: 'same' })
        return found.digests
      }
      const entriesOf: { key: RecordKey; vector: object }[] = []
      const differing = (digests: readonly string[]): number[] =>
        digests.flatMap((digest, at) => (digest === '' ? [] : [at]))
      for (const page of differing(await children([]))) {
        for (const leaf of differing(await children([page]))) {
          const bucket = await ask([page, leaf])
          if (bucket?.kind !== 'entries') throw new Error(bucket?.kind)
          expect(await ask([page, leaf], digestOfBucket(bucket.entries))).toEqual({ kind: 'same' })
          entriesOf.push(...bucket.entries)
        }
      }
      expect(entriesOf).toEqual([{ key, vector: record.vector }])
    })

    test('buckets are compared with what the base table holds, whatever the digest tree says', async () => {
      const { peer, sites } = make()
      const keys = Array.from({ length: 40 }, (_, n) => keyOf(`r${n}`))
      const written = await Promise.all(keys.map((key) => writeRecord(sites.azure.services, key, none, () => ({}))))
      const page = pageOfBucket(bucketOf(keyOf()))
      const all = Array.from({ length: leavesPerPage }, (_, leaf) => bucketAt(page, leaf))
      const held = written.flatMap(({ record: { key, vector } }) =>
        pageOfBucket(bucketOf(key)) === page ? [{ key, vector }] : [],
      )
      const [extra] = written
      const asked = extra ? pageOfBucket(bucketOf(extra.record.key)) : page
      const answer = await peer.compareBuckets(all.map((bucket) => ({ bucket, digest: '' })))
      expect([answer.read, answer.records]).toEqual([all.length, held.length])
      expect(answer.differing.flatMap(({ entries }) => entries).length).toBe(held.length)
      const one = await peer.compareBuckets([{ bucket: bucketOf(keys[0] ?? keyOf()), digest: 'wrong' }])
      expect(pageOfBucket(one.differing[0]?.bucket ?? -1)).toBe(asked)
      expect(one.differing[0]?.entries).toContainEqual({ key: keys[0], vector: extra?.record.vector })
      const digest = digestOfBucket(one.differing[0]?.entries ?? [])
      expect(await peer.compareBuckets([{ bucket: one.differing[0]?.bucket ?? 0, digest }])).toMatchObject({
        read: 1,
        differing: [],
      })
      for (const buckets of [
        [5, 4],
        [4, 4],
        [0, 200],
      ]) {
        const questions = buckets.map((bucket) => ({ bucket, digest: '' }))
        await expect(peer.compareBuckets(questions)).rejects.toMatchObject({ name: 'CatamaranError' })
      }
    })

    test('objects are fetched at the peer’s word only when a record of its own names them', async () => {
      const { peer, sites } = make()
      const { tenant } = keyOf()
      const [present, absent] = ['a', 'b'].map((digit) => `objects/${tenant}/photo/${digit.repeat(64)}`) as [
        string,
        string,
      ]
      const body = { status: 'ready', version: 'v', job: 'j', site: 'aws', objectKey: present, properties: {} }
      const media = { ...body, renditions: [{ objectKey: absent }] } as unknown as JsonObject
      await writeRecord(sites.azure.services, mediaKey(tenant, 'photo'), none, () => media)
      await sites.azure.services.objects.put(present, Buffer.from('x'), { mediaType: 'image/png' })
      const foreign = `objects/${tenant}/photo/${'c'.repeat(64)}`
      const targets = [present, absent, foreign].map((key) => ({ tenant, asset: 'photo', key }))
      expect(await peer.fetchObjects([...targets, { tenant, asset: 'none', key: absent }])).toBe(2)
      const jobs = sites.azure.services.jobs as MemoryJobQueue
      const messages = [jobs.receive(), jobs.receive(), jobs.receive()].map((delivery) => delivery?.message)
      expect(messages.map((message) => message && [message.kind, message.payload['key']])).toEqual([
        ['mend-object', present],
        ['copy-object', absent],
        undefined,
      ])
      // What lies there stays as it is until its bytes were looked at.
      expect(await sites.azure.services.objects.head(present)).toBeDefined()
    })

    test('the status names the site, its clock and what it speaks', async () => {
      const { peer, sites } = make()
      expect(await peer.status()).toMatchObject({ site: 'azure', nowMs: sites.clock.now(), protocol: 1 })
    })

    test('a peer that lets nothing in says so to an offer, compares nothing, and can still be read', async () => {
      const { peer, sites } = make()
      await pauseReplication(sites.azure.services, 'incoming', { reason: 'a drill', by: 'key' })
      const refused = { code: 'replication-paused', details: { retryAfterMs: 30_000 } }
      await expect(peer.offer([state(keyOf(), {}, sites.clock.now())])).rejects.toMatchObject(refused)
      await expect(peer.summaries([{ path: [], digest: '' }])).rejects.toMatchObject(refused)
      expect(await peer.read([keyOf()])).toEqual([undefined])
      expect(await peer.status()).toMatchObject({ paused: ['incoming'] })
      await resumeReplication(sites.azure.services, 'incoming', 'key')
      expect(await peer.offer([state(keyOf(), {}, sites.clock.now())])).toEqual([{ kind: 'applied' }])
      expect(await peer.status()).toMatchObject({ paused: [] })
    })

    test('a peer that is away is unavailable to every call, and there again when it is back', async () => {
      const { peer, sites } = make()
      const calls = [
        () => peer.offer([state(keyOf(), {}, sites.clock.now())]),
        () => peer.read([keyOf()]),
        () => peer.list(keyOf(), { limit: 10 }),
        () => peer.grantRead(['objects/t/a/b']),
        () => peer.summaries([{ path: [], digest: '' }]),
        () => peer.compareBuckets([{ bucket: 0, digest: '' }]),
        () => peer.fetchObjects([]),
        () => peer.status(),
      ]
      sites.connected = false
      for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'peer-unavailable' })
      sites.connected = true
      for (const call of calls) await call()
      const verbs = ['compareBuckets', 'fetchObjects', 'grantRead', 'list', 'offer', 'read', 'status', 'summaries']
      expect(Object.keys(peer).sort()).toEqual(verbs)
    })
  })
}
