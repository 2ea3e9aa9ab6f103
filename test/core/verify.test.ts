import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { listDeadLetters } from '../../shared/core/dead-letters.ts'
import { summaryOf } from '../../shared/core/operation-report.ts'
import { readOperation, startOperation } from '../../shared/core/operation-store.ts'
import { writeRecord } from '../../shared/core/records.ts'
import { digestOfKey } from '../../shared/domain/asset.ts'
import { bucketOf } from '../../shared/domain/hash.ts'
import type { StoredRecord } from '../../shared/domain/record.ts'
import type { FindingKind, Operation } from '../../shared/core/operation.ts'
import { dying } from './crash.ts'
import {
  beforeEachCall,
  crcOf,
  ingestWorld,
  noteKey,
  objectsOf,
  operate,
  runNext,
  statesOf,
  untilEnded,
  writeAsset,
  writeNote,
  writeNotes,
  type IngestSite,
  type IngestWorld,
} from './operation-world.ts'

let world: IngestWorld
beforeEach(async () => {
  world = await ingestWorld()
})
afterEach(() => world.close())

const none = { precondition: { kind: 'none' } } as const

async function twoEqualSites(notes = 60, assets = 6): Promise<string[]> {
  await writeNotes(world.aws.services, notes)
  const keys: string[] = []
  for (let n = 0; n < assets; n++) keys.push(await writeAsset(n % 2 === 0 ? world.aws : world.azure, `a${n}`))
  await world.settle()
  // What was just written might be on its way.
  await world.clock.advance(120_000)
  return keys
}

/** Changes a table behind everybody's back, as a lost write or a careless hand would. */
function tamper(site: IngestSite, change: (records: StoredRecord[]) => StoredRecord[]): void {
  site.records.load(change(site.records.all()))
}

function damage(site: IngestSite, key: string, bytes = 'rubbish'): void {
  site.objects.load(
    site.objects.all().map((each) => {
      if (each.info.key !== key) return each
      const damaged = Buffer.from(bytes)
      return { info: { ...each.info, bytes: damaged.length }, bytes: damaged }
    }),
  )
}

const removeObject = (site: IngestSite, key: string): void =>
  site.objects.load(site.objects.all().filter(({ info }) => info.key !== key))

/** All that a site keeps, but what the operation writes about itself. */
const everything = ({ records, siteStore, objects }: IngestSite): string =>
  JSON.stringify([
    records.all(),
    siteStore.all().filter(({ partition }) => !partition.startsWith('operation')),
    objects.all(),
  ])

const kindsOf = (operation: Operation): Partial<Record<FindingKind, number>> => operation.found

describe('two equal sites', () => {
  test('are found equal, deep or not, and nothing changes', async () => {
    await twoEqualSites()
    const before = [everything(world.aws), everything(world.azure)]
    for (const deep of [false, true]) {
      const done = await operate(world, world.aws, 'verify', { deep })
      expect([done.state, done.found]).toEqual(['done', {}])
      expect(done.counters).toMatchObject({ records: 66, peerRecords: 66, objects: 6 })
      expect(summaryOf(done).join('\n')).toMatch('both sites hold the same')
      if (deep) expect(done.counters.bytesRead).toBe(2 * (done.counters.objectBytes ?? 0))
    }
    expect([everything(world.aws), everything(world.azure)]).toEqual(before)
  })

  test('a dry run says how much there is to compare, and asks the peer nothing', async () => {
    await twoEqualSites()
    world.azure.isUp = false
    const done = await operate(world, world.aws, 'verify', { dryRun: true })
    expect(summaryOf(done)[1]).toMatch(/It would compare 66 records and 6 objects of 12 bytes/)
  })

  test('a record that is edited all the while is no alarm', async () => {
    await twoEqualSites(20, 0)
    await writeNote(world.aws.services, 3, 'ahead')
    let edits = 0
    beforeEachCall(
      world.aws.services.peer,
      'compareBuckets',
      async (questions: readonly { readonly bucket: number }[]) => {
        if (questions.some(({ bucket }) => bucket === bucketOf(noteKey(3)))) {
          await writeNote(world.aws.services, 3, `edit ${edits++}`)
        }
      },
    )
    const { id } = await startOperation(world.aws.services, { kind: 'verify', dryRun: false, deep: false })
    // The feed stands still: every look finds the peer behind, each time by another version.
    for (let turn = 0; turn < 1_000 && (await readOperation(world.aws.services, id)).state === 'running'; turn++) {
      if (!(await runNext(world.aws))) await world.clock.advance(5_000)
    }
    const done = await readOperation(world.aws.services, id)
    expect(edits).toBeGreaterThan(2)
    expect([done.state, done.found]).toEqual(['done', {}])
  })
})

describe('what differs is found, said in plain words, and mended', () => {
  test('records that one side lacks, or has in an older version, or both have apart', async () => {
    await twoEqualSites()
    const old = world.azure.records.all().find(({ key }) => key.id === 'n2')
    const aside = [world.aws.feed, world.azure.feed]
    await writeNote(world.aws.services, 2, 'newer')
    await writeNote(world.aws.services, 3, 'by aws')
    await world.clock.advance(1_000)
    await writeNote(world.azure.services, 3, 'by azure')
    for (const feed of aside) feed.length = 0
    expect(old).toBeDefined()
    tamper(world.aws, (records) => records.filter(({ key }) => key.id !== 'n0'))
    tamper(world.azure, (records) => records.filter(({ key }) => key.id !== 'n1'))
    await world.clock.advance(120_000)

    const before = [everything(world.aws), everything(world.azure)]
    const found = await operate(world, world.azure, 'verify')
    expect(kindsOf(found)).toEqual({ 'record-missing': 2, 'record-older': 1, 'record-conflict': 1 })
    const details = found.examples.map(({ what, detail }) => `${what}: ${detail}`).join('\n')
    expect(details).toMatch('t1/notes/n0: It is at azure, but not at aws.')
    expect(details).toMatch('t1/notes/n1: It is at aws, but not at azure.')
    expect(details).toMatch('t1/notes/n2: azure has the older version')
    const dry = await operate(world, world.azure, 'repair', { dryRun: true })
    expect(dry.counters).toMatchObject({ recordsPushed: 2, recordsPulled: 3 })
    expect([everything(world.aws), everything(world.azure)]).toEqual(before)

    const repair = await operate(world, world.azure, 'repair')
    expect(repair.state).toBe('done')
    expect(statesOf(world.aws)).toEqual(statesOf(world.azure))
    expect((await world.azure.services.records.get(noteKey(3)))?.body).toMatchObject({ text: 'by azure' })
    expect(kindsOf(await operate(world, world.azure, 'verify'))).toEqual({})
  })

  test('a deleted record of which one site missed the delete', async () => {
    await twoEqualSites(10, 0)
    await writeRecord(world.aws.services, noteKey(4), none, () => null)
    world.aws.feed.length = 0
    await world.clock.advance(120_000)
    expect(kindsOf(await operate(world, world.aws, 'verify'))).toEqual({ 'record-older': 1 })
    await operate(world, world.aws, 'repair')
    expect((await world.azure.services.records.get(noteKey(4)))?.deleted).toBe(true)
  })

  test('the stored digests are not believed', async () => {
    await twoEqualSites(10, 0)
    tamper(world.azure, (records) => records.filter(({ key }) => key.id !== 'n5'))
    for (const site of [world.aws, world.azure]) {
      site.siteStore.load(site.siteStore.all().filter(({ partition }) => partition !== 'dirty'))
    }
    await world.clock.advance(120_000)
    expect(kindsOf(await operate(world, world.aws, 'verify'))).toEqual({ 'record-missing': 1 })
  })

  test('equal versions with different contents, when looked at deep', async () => {
    await twoEqualSites(10, 0)
    tamper(world.azure, (records) =>
      records.map((record) => (record.key.id === 'n5' ? { ...record, body: { n: 666 } } : record)),
    )
    expect(kindsOf(await operate(world, world.aws, 'verify'))).toEqual({})
    expect(kindsOf(await operate(world, world.aws, 'verify', { deep: true }))).toEqual({ 'record-differs': 1 })
  })

  test('objects that one side lacks, either way, and one that is lost', async () => {
    const [a = '', b = '', c = ''] = await twoEqualSites()
    removeObject(world.aws, a)
    removeObject(world.azure, b)
    removeObject(world.aws, c)
    removeObject(world.azure, c)
    const before = [everything(world.aws), everything(world.azure)]
    const found = await operate(world, world.aws, 'verify')
    expect(kindsOf(found)).toEqual({ 'object-missing': 2, 'object-lost': 1 })
    expect(found.examples.find(({ what }) => what === c)?.detail).toMatch('its bytes are lost')
    const dry = await operate(world, world.aws, 'repair', { dryRun: true })
    expect(dry.counters).toMatchObject({ objectsFetched: 1, objectsSent: 1 })
    expect([everything(world.aws), everything(world.azure)]).toEqual(before)

    const repair = await operate(world, world.aws, 'repair')
    expect(repair.state).toBe('done')
    expect(objectsOf(world.aws)).toEqual(objectsOf(world.azure))
    expect(objectsOf(world.aws).has(a)).toBe(true)
    expect(objectsOf(world.aws).has(b)).toBe(true)
    expect(kindsOf(await operate(world, world.aws, 'verify'))).toEqual({ 'object-lost': 1 })
  })

  test('damaged bytes of the same length, on either side: found deep, mended from the other', async () => {
    const [a = '', b = ''] = await twoEqualSites()
    damage(world.aws, a, 'xx')
    damage(world.azure, b, 'xx')
    expect(kindsOf(await operate(world, world.aws, 'verify'))).toEqual({})
    const found = await operate(world, world.aws, 'verify', { deep: true })
    expect(kindsOf(found)).toEqual({ 'object-corrupt': 2 })
    expect(found.examples.find(({ what }) => what === b)?.detail).toMatch('Its bytes at azure are not those')
    await operate(world, world.aws, 'repair', { deep: true })
    for (const site of [world.aws, world.azure]) {
      for (const [key, sha256] of objectsOf(site)) expect(sha256).toBe(digestOfKey(key))
      const mended = await site.services.objects.head(a)
      expect(mended?.metadata).toEqual({ sha256: digestOfKey(a), crc64nvme: await crcOf(Buffer.from('a0')) })
    }
    expect(kindsOf(await operate(world, world.azure, 'verify', { deep: true }))).toEqual({})
  })

  test('damaged bytes of another length are found without reading them', async () => {
    const [a = ''] = await twoEqualSites()
    damage(world.azure, a)
    expect(kindsOf(await operate(world, world.aws, 'verify'))).toEqual({ 'object-differs': 1 })
    await operate(world, world.aws, 'repair')
    expect(objectsOf(world.azure)).toEqual(objectsOf(world.aws))
    expect(objectsOf(world.azure).get(a)).toBe(digestOfKey(a))
  })

  test('bytes that are damaged at both sites are lost, and stay as they are', async () => {
    const [a = ''] = await twoEqualSites()
    damage(world.aws, a, 'xx')
    damage(world.azure, a, 'yy')
    const done = await operate(world, world.aws, 'repair', { deep: true })
    expect(kindsOf(done)).toEqual({ 'object-lost': 1 })
    // Nor does a site take what the other has, should it be told to look.
    const payload = { tenant: 't1', asset: 'a0', key: a }
    await world.aws.services.jobs.send({ kind: 'mend-object', payload })
    await world.settle()
    expect((await listDeadLetters(world.aws.services, { limit: 10 })).items).toMatchObject([
      { kind: 'job', cause: expect.stringMatching('damaged at both sites') },
    ])
    expect(Buffer.from(world.aws.objects.all().find(({ info }) => info.key === a)?.bytes ?? []).toString()).toBe('xx')
  })

  test('an object without a record is reported after a day, and left alone', async () => {
    await twoEqualSites()
    const key = `objects/t1/ghost/${'0'.repeat(64)}`
    await world.aws.services.objects.put(key, Buffer.from('ghost'), { mediaType: 'text/plain' })
    expect(kindsOf(await operate(world, world.aws, 'repair'))).toEqual({})
    await world.clock.advance(25 * 3_600_000)
    expect(kindsOf(await operate(world, world.aws, 'repair'))).toEqual({ 'object-orphan': 1 })
    expect(await world.aws.services.objects.head(key)).toBeDefined()
  })
})

describe('a repair', () => {
  test('may die anywhere and mends all the same', async () => {
    const [a = '', b = ''] = await twoEqualSites(30, 4)
    const good = [statesOf(world.aws), objectsOf(world.aws)]
    for (let call = 2; call < 900; call += 1 + Math.floor(call / 4)) {
      damage(world.azure, a, 'xx')
      removeObject(world.aws, b)
      tamper(world.azure, (records) => records.filter(({ key }) => key.id !== 'n1'))
      const { id } = await startOperation(world.aws.services, { kind: 'repair', dryRun: false, deep: true })
      const mortal = dying(world.aws.services, { call, when: call % 2 === 0 ? 'before' : 'after' })
      await runNext(world.aws, mortal.services).catch(() => undefined)
      const done = await untilEnded(world, world.aws, id)
      expect([call, done.state]).toEqual([call, 'done'])
      for (const site of [world.aws, world.azure]) expect([statesOf(site), objectsOf(site)]).toEqual(good)
    }
  }, 60_000)

  test('reports what does not arrive instead of waiting for ever', async () => {
    const [a = ''] = await twoEqualSites(5, 1)
    removeObject(world.azure, a)
    const fetchBroken = world.azure.work
    Object.assign(fetchBroken, { fetch: async () => new Response('no', { status: 403 }) })
    const done = await operate(world, world.aws, 'repair')
    expect(done.state).toBe('done')
    expect(kindsOf(done)).toEqual({ 'object-missing': 1, 'object-not-copied': 1 })
  })
})
