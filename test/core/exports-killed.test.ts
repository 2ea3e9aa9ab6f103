import { expect, test } from '@jest/globals'
import { runExport } from '../../shared/core/export-run.ts'
import { readExport, requestExport } from '../../shared/core/exports.ts'
import { writeMark } from '../../shared/core/replication-marks.ts'
import { writeRecord } from '../../shared/core/records.ts'
import type { Services } from '../../shared/core/services.ts'
import { exportId, type ExportBody } from '../../shared/domain/export.ts'
import type { RecordStore } from '../../shared/ports/record-store.ts'
import { dying, type CrashPoint } from './crash.ts'
import { faultsOf, ingestWorld, tenant, type IngestWorld } from './ingest-world.ts'

const none = { precondition: { kind: 'none' } } as const
const notes = 16
const callsMax = 200
/** Odd, so that processes die before calls and after them by turns. */
const callsStep = 3
const never = new AbortController().signal
/** One pass over the shards of arrivals, and another for what moved meanwhile. */
const pagesOfAll = 8

/** A day that is over, of which an export was asked for and its message lost. */
async function asked(): Promise<{ world: IngestWorld; order: Parameters<typeof runExport>[2] }> {
  const world = await ingestWorld()
  const startMs = Math.floor(world.clock.now() / 86_400_000) * 86_400_000
  await world.clock.advance(startMs + 86_400_000 - world.clock.now())
  const ref = { kind: 'records', date: new Date(startMs + 86_400_000).toISOString().slice(0, 10) } as const
  for (let n = 0; n < notes * 2; n++) {
    const key = { tenant, collection: 'notes', id: `n${n % notes}` }
    await writeRecord(world.aws.services, key, none, () => (n >= notes && n % 5 === 4 ? null : { n }))
  }
  await world.settle()
  await world.clock.advance(26 * 3_600_000)
  for (const { services } of [world.aws, world.azure]) {
    await writeMark(services, 'replicated-until', { ms: world.clock.now(), atMs: world.clock.now() })
  }
  await requestExport(world.aws.services, tenant, ref)
  world.aws.queue.receive()?.acknowledge()
  return { world, order: { tenant, id: exportId(ref), takeover: false } }
}

/** Reading a page takes more than a minute, so that each is worth keeping. */
function slowly(world: IngestWorld, read: { pages: number }): Services {
  const { services } = world.aws
  const records: RecordStore = {
    ...services.records,
    arrivals: async (...args) => {
      read.pages++
      await world.clock.advance(61_000)
      return services.records.arrivals(...args)
    },
  }
  return { ...services, records }
}

const foundAt = async (world: IngestWorld, site: 'aws' | 'azure', id: string): Promise<ExportBody | undefined> => {
  const [kind, date] = [id.slice(0, id.indexOf('-')) as 'records', id.slice(id.indexOf('-') + 1)]
  return readExport(world[site].services, tenant, { kind, date })
}

function leftovers(world: IngestWorld): string[] {
  const faults = faultsOf(world)
  for (const site of [world.aws, world.azure]) {
    const work = site.siteStore.all().filter(({ partition }) => partition.startsWith('export-work'))
    faults.push(...work.map(({ id }) => `${site.services.site} still works at ${id}`))
  }
  return faults
}

async function whole(): Promise<string> {
  const { world, order } = await asked()
  await runExport(world.aws.services, world.aws.work, order, never)
  await world.settle()
  const found = await foundAt(world, 'azure', order.id)
  expect([found?.state, found?.rows, leftovers(world)]).toEqual(['done', notes * 2, []])
  await world.close()
  return found?.sha256 ?? ''
}

async function dieAt(point: CrashPoint, expected: string): Promise<boolean> {
  const { world, order } = await asked()
  try {
    const { services, hasDied } = dying(slowly(world, { pages: 0 }), point)
    await runExport(services, world.aws.work, order, never).catch(() => undefined)
    await world.settle()
    await world.pass(7)
    for (const site of ['aws', 'azure'] as const) {
      const found = await foundAt(world, site, order.id)
      expect([point.call, found?.state, found?.sha256]).toEqual([point.call, 'done', expected])
    }
    expect([point.call, leftovers(world)]).toEqual([point.call, []])
    return hasDied()
  } finally {
    await world.close()
  }
}

test('a run that dies at one call of many leaves an export that is made whole and the same, and nothing else', async () => {
  const expected = await whole()
  let call = 1
  while (call < callsMax && (await dieAt({ call, when: call % 2 ? 'after' : 'before' }, expected))) call += callsStep
  expect(call).toBeGreaterThan(40)
  expect(call).toBeLessThan(callsMax)
})

test('a run whose time is over goes on with the page after the last that it kept, and has not failed', async () => {
  const expected = await whole()
  const { world, order } = await asked()
  const read = { pages: 0 }
  for (const until of [1, 3]) {
    const over = new AbortController()
    const services = slowly(world, read)
    const arrivals = services.records.arrivals.bind(services.records)
    services.records.arrivals = (...args) => {
      if (read.pages === until) over.abort(new Error('the time is over'))
      return arrivals(...args)
    }
    await runExport(services, world.aws.work, order, over.signal)
    // The page that was being read is not kept.
    read.pages--
    expect(await foundAt(world, 'aws', order.id)).toMatchObject({ state: 'waiting', attempts: 0 })
  }
  await runExport(slowly(world, read), world.aws.work, order, never)
  expect(read.pages).toBe(pagesOfAll)
  expect((await foundAt(world, 'aws', order.id))?.sha256).toBe(expected)
  await world.settle()
  expect(leftovers(world)).toEqual([])
  await world.close()
})

test('a run that has the export is not joined by another, and one that lost it changes nothing', async () => {
  const { world, order } = await asked()
  const read = { pages: 0 }
  const zombie = slowly(world, read)
  const arrivals = zombie.records.arrivals.bind(zombie.records)
  zombie.records.arrivals = async (...args) => {
    if (read.pages === 2) {
      await runExport(world.aws.services, world.aws.work, order, never)
      expect((await foundAt(world, 'aws', order.id))?.state).toBe('waiting')
      await world.clock.advance(180_000)
      await runExport(world.aws.services, world.aws.work, order, never)
      expect((await foundAt(world, 'aws', order.id))?.state).toBe('done')
    }
    return arrivals(...args)
  }
  await runExport(zombie, world.aws.work, order, never)
  expect(read.pages).toBe(3)
  await world.settle()
  expect(leftovers(world)).toEqual([])
  await world.close()
})

test('what was staged and is gone is read again', async () => {
  const expected = await whole()
  const { world, order } = await asked()
  const { services } = dying(slowly(world, { pages: 0 }), { call: 60, when: 'before' })
  await runExport(services, world.aws.work, order, never).catch(() => undefined)
  const staged = world.aws.objects.all().filter(({ info }) => info.key.startsWith('uploads/'))
  expect(staged.length).toBeGreaterThan(0)
  await world.aws.objects.remove(staged[0]?.info.key ?? '')
  await world.pass(12)
  expect((await foundAt(world, 'azure', order.id))?.sha256).toBe(expected)
  expect(leftovers(world)).toEqual([])
  await world.close()
})
