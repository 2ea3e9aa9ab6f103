import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { handleChanges } from '../../shared/core/feed.ts'
import { fractionOf, leftMsOf, summaryOf } from '../../shared/core/operation-report.ts'
import { cancelOperation, readOperation, resumeOperation, startOperation } from '../../shared/core/operation-store.ts'
import { writeRecord } from '../../shared/core/records.ts'
import { dying } from './crash.ts'
import {
  beforeEachCall,
  ingestWorld,
  noteKey,
  objectsOf,
  operate,
  runNext,
  statesOf,
  untilEnded,
  wipe,
  writeAsset,
  writeNote,
  writeNotes,
  type IngestWorld,
} from './operation-world.ts'

let world: IngestWorld
beforeEach(async () => {
  world = await ingestWorld()
})
afterEach(() => world.close())

const backfill = { kind: 'backfill', dryRun: false, deep: false } as const

async function fullSite(notes = 300, assets = 12): Promise<void> {
  await writeNotes(world.aws.services, notes)
  for (let n = 0; n < assets; n++) await writeAsset(world.aws, `a${n}`)
  await world.settle()
}

describe('an empty site', () => {
  test('is filled from the full one: records, tombstones and objects', async () => {
    await fullSite()
    await writeRecord(world.aws.services, noteKey(7), { precondition: { kind: 'none' } }, () => null)
    await world.settle()
    wipe(world.azure)
    const done = await operate(world, world.aws, 'backfill')
    expect(done).toMatchObject({ state: 'done', counters: { recordsPushed: 312, objectsSent: 12, objectsArrived: 12 } })
    expect(statesOf(world.azure)).toEqual(statesOf(world.aws))
    expect(objectsOf(world.azure)).toEqual(objectsOf(world.aws))
    expect(summaryOf(done).join('\n')).toMatch('312 records were sent to azure.')
  })

  test('fetches for itself when the operation is begun there', async () => {
    await fullSite()
    wipe(world.azure)
    const done = await operate(world, world.azure, 'backfill')
    expect(done.counters).toMatchObject({ recordsPulled: 312, objectsFetched: 12, objectsArrived: 12 })
    expect(statesOf(world.azure)).toEqual(statesOf(world.aws))
    expect(objectsOf(world.azure)).toEqual(objectsOf(world.aws))
  })

  test('a dry run counts the same and changes nothing', async () => {
    await fullSite()
    wipe(world.azure)
    const before = [statesOf(world.azure), objectsOf(world.azure)]
    const done = await operate(world, world.aws, 'backfill', { dryRun: true })
    expect(done.counters).toMatchObject({ recordsPushed: 312 })
    expect(summaryOf(done).join('\n')).toMatch('312 records would be sent to azure.')
    expect([statesOf(world.azure), objectsOf(world.azure)]).toEqual(before)
    expect(world.azure.siteStore.all()).toEqual([])
    expect((await world.azure.queue.depth()).waiting).toBe(0)
  })
})

describe('a run may die', () => {
  test('before or after any call, and the next goes on', async () => {
    await fullSite(60, 3)
    for (let call = 1; call < 400; call += 1 + Math.floor(call / 3)) {
      for (const when of ['before', 'after'] as const) {
        wipe(world.azure)
        const { id } = await startOperation(world.aws.services, backfill)
        const mortal = dying(world.aws.services, { call, when })
        await runNext(world.aws, mortal.services).catch(() => undefined)
        const done = await untilEnded(world, world.aws, id)
        expect([call, when, done.state, done.error]).toEqual([call, when, 'done', undefined])
        expect(statesOf(world.azure)).toEqual(statesOf(world.aws))
        expect(objectsOf(world.azure)).toEqual(objectsOf(world.aws))
      }
    }
  }, 60_000)

  test('and does not begin again: what was gone through is not gone through twice', async () => {
    await fullSite(400, 0)
    wipe(world.azure)
    const { id } = await startOperation(world.aws.services, backfill)
    await runNext(world.aws, dying(world.aws.services, { call: 60, when: 'after' }).services).catch(() => undefined)
    const { position } = await readOperation(world.aws.services, id)
    expect(position.at).toBeGreaterThan(0)
    let first: number | undefined
    beforeEachCall(world.aws.services.records, 'scanBuckets', (buckets: { readonly first: number }) => {
      first ??= buckets.first
    })
    await world.clock.advance(120_000)
    await resumeOperation(world.aws.services)
    await runNext(world.aws)
    expect(first).toBe(position.at)
  })

  test('a zombie and its successor do no harm, and the zombie stops', async () => {
    await fullSite(200, 0)
    wipe(world.azure)
    const { id } = await startOperation(world.aws.services, backfill)
    const [zombies, successors] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    let calls = 0
    beforeEachCall(world.aws.services.peer, 'compareBuckets', async () => {
      const call = ++calls
      if (call === 3) await zombies.promise
      if (call === 30) await successors.promise
    })
    const untilCall = async (call: number): Promise<void> => {
      while (calls < call) await new Promise((resolve) => setImmediate(resolve))
    }
    const zombie = runNext(world.aws)
    await untilCall(3)
    await world.clock.advance(200_000)
    await resumeOperation(world.aws.services)
    const successor = runNext(world.aws)
    await untilCall(30)
    const before = await readOperation(world.aws.services, id)
    zombies.resolve()
    await zombie
    expect(await readOperation(world.aws.services, id)).toEqual(before)
    successors.resolve()
    await successor
    const done = await untilEnded(world, world.aws, id)
    expect([done.state, done.counters.records]).toEqual(['done', 200])
    expect(statesOf(world.azure)).toEqual(statesOf(world.aws))
  })

  test('a message that comes twice, or is lost', async () => {
    await fullSite(50, 0)
    wipe(world.azure)
    const { id } = await startOperation(world.aws.services, backfill)
    world.aws.queue.receive()?.acknowledge()
    await world.clock.advance(60_000)
    await resumeOperation(world.aws.services)
    await world.aws.services.jobs.send({ kind: 'operate', payload: { operation: id } })
    expect((await untilEnded(world, world.aws, id)).state).toBe('done')
    await world.aws.services.jobs.send({ kind: 'operate', payload: { operation: id } })
    await world.settle()
    expect((await world.aws.queue.depth()).waiting).toBe(0)
  })
})

describe('an operation', () => {
  test('waits for a peer that goes away in the middle, and says so', async () => {
    await fullSite(100, 0)
    wipe(world.azure)
    const { id } = await startOperation(world.aws.services, backfill)
    let offers = 0
    beforeEachCall(world.aws.services.peer, 'offer', () => {
      if (++offers === 2) world.azure.isUp = false
    })
    await runNext(world.aws)
    const waiting = await readOperation(world.aws.services, id)
    expect(waiting).toMatchObject({ state: 'running', waitingFor: 'cut off' })
    await world.clock.advance(600_000)
    world.azure.isUp = true
    expect((await untilEnded(world, world.aws, id)).state).toBe('done')
    expect(statesOf(world.azure)).toEqual(statesOf(world.aws))
  })

  test('keeps to its rates', async () => {
    await fullSite(300, 0)
    wipe(world.azure)
    const slept: number[] = []
    const { clock } = world.aws.services
    const patient = {
      ...world.aws.services,
      clock: {
        ...clock,
        sleep: async (ms: number) => {
          slept.push(ms)
          await world.clock.advance(ms)
        },
      },
    }
    const startMs = world.clock.now()
    const { id } = await startOperation(patient, { ...backfill, recordsPerSecond: 10 })
    while ((await readOperation(patient, id)).state === 'running') {
      if (!(await runNext(world.aws, patient))) await world.clock.advance(1_000)
      world.aws.feed.length = 0
    }
    const tookMs = world.clock.now() - startMs
    expect(slept.length).toBeGreaterThan(0)
    // 300 records at ten a second; the last batch is paid for by nobody.
    expect(tookMs).toBeGreaterThan(27_000)
    expect(tookMs).toBeLessThan(60_000)
  })

  test('tells how far it is and how long it will take', async () => {
    await fullSite(100, 0)
    wipe(world.azure)
    const { id } = await startOperation(world.aws.services, backfill)
    const seen: number[] = []
    beforeEachCall(world.aws.services.peer, 'compareBuckets', async () => {
      await world.clock.advance(1_000)
      const operation = await readOperation(world.aws.services, id)
      seen.push(fractionOf(operation))
      const leftMs = leftMsOf(operation, world.clock.now())
      if (leftMs !== undefined) expect(leftMs).toBeGreaterThan(0)
    })
    await untilEnded(world, world.aws, id)
    expect(seen.length).toBeGreaterThan(100)
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
    expect(seen.at(-1)).toBeGreaterThan(0.3)
  })

  test('runs alone, is begun once by a repeated request, and ends when cancelled', async () => {
    await fullSite(20, 0)
    const first = await startOperation(world.aws.services, { ...backfill, request: 'r1' })
    expect((await startOperation(world.aws.services, { ...backfill, request: 'r1' })).id).toBe(first.id)
    await expect(startOperation(world.aws.services, { ...backfill, request: 'r2' })).rejects.toMatchObject({
      code: 'conflict',
    })
    expect((await cancelOperation(world.aws.services, first.id)).state).toBe('cancelled')
    expect((await cancelOperation(world.aws.services, first.id)).state).toBe('cancelled')
    expect((await startOperation(world.aws.services, { ...backfill, request: 'r1' })).id).toBe(first.id)
    const second = await startOperation(world.aws.services, { ...backfill, request: 'r2' })
    expect((await untilEnded(world, world.aws, second.id)).state).toBe('done')
    expect((await readOperation(world.aws.services, first.id)).state).toBe('cancelled')
  })

  test('of which a peer of an older version knows nothing fails with a reason', async () => {
    await fullSite(5, 0)
    const { id } = await startOperation(world.aws.services, backfill)
    const { CatamaranError } = await import('../../shared/domain/errors.ts')
    Object.assign(world.aws.services.peer, {
      compareBuckets: async () => {
        throw new CatamaranError('conflict', 'The peer site answered 404: no such route')
      },
    })
    expect(await untilEnded(world, world.aws, id)).toMatchObject({
      state: 'failed',
      error: expect.stringMatching('404'),
    })
  })
})

describe('a site restored from an old backup', () => {
  test('catches up: what was deleted stays deleted, what only the peer has comes back', async () => {
    const { aws, azure } = world
    await writeNotes(aws.services, 40)
    const objectKey = await writeAsset(aws, 'kept')
    await world.settle()
    const backup = { records: aws.records.all(), site: aws.siteStore.all() }
    // After the backup: deletes, edits at both sites, new records; the peer has seen all of it.
    const none = { precondition: { kind: 'none' } } as const
    await world.clock.advance(60_000)
    for (let n = 0; n < 10; n++) await writeRecord(aws.services, noteKey(n), none, () => null)
    for (let n = 10; n < 20; n++) await writeNote(aws.services, n, 'second')
    for (let n = 15; n < 25; n++) await writeNote(azure.services, n, 'third')
    for (let n = 40; n < 50; n++) await writeNote(aws.services, n)
    const laterKey = await writeAsset(aws, 'later')
    await world.settle()
    const truth = statesOf(azure)
    expect(statesOf(aws)).toEqual(truth)

    await world.clock.advance(3_600_000)
    aws.records.load(backup.records)
    aws.siteStore.load(backup.site)
    aws.objects.load(aws.objects.all().filter(({ info }) => info.key === objectKey))
    aws.feed.length = 0
    // The restored table's feed tells of everything again, as an import does.
    await handleChanges(aws.services, backup.records)
    const done = await operate(world, aws, 'backfill')
    expect([done.state, done.found]).toEqual(['done', {}])
    expect(statesOf(aws)).toEqual(truth)
    expect(statesOf(azure)).toEqual(truth)
    for (let n = 0; n < 10; n++) expect((await aws.services.records.get(noteKey(n)))?.deleted).toBe(true)
    expect(objectsOf(aws).has(laterKey)).toBe(true)

    // Stamps go on behind all that were ever given.
    const newest = Math.max(...[...azure.records.all()].map(({ stamp }) => parseInt(stamp.slice(0, 12), 16)))
    const { record } = await writeNote(aws.services, 3, 'anew')
    expect(parseInt(record.stamp.slice(0, 12), 16)).toBeGreaterThan(newest)
    await world.settle()
    expect(statesOf(azure)).toEqual(statesOf(aws))
  })
})
