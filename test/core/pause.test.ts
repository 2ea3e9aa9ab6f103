import { describe, expect, test } from '@jest/globals'
import { listDeadLetters } from '../../shared/core/dead-letters.ts'
import { runJob } from '../../shared/core/jobs.ts'
import { pauseOf, pauseReplication, resumeReplication } from '../../shared/core/pause.ts'
import { reconcile } from '../../shared/core/reconcile.ts'
import { stateOf } from '../../shared/core/record-history.ts'
import { readRecord } from '../../shared/core/record-reads.ts'
import { writeRecord } from '../../shared/core/records.ts'
import type { Services } from '../../shared/core/services.ts'
import type { WorkTools } from '../../shared/core/work-tools.ts'
import { ways } from '../../shared/ports/peer.ts'
import type { MemoryJobQueue } from '../memory/job-queue.ts'
import { twoSites, type TwoSites } from './two-sites.ts'

const asked = { reason: 'a bad deployment', by: 'key-1' }
const keyOf = (id: string) => ({ tenant: 'acme', collection: 'notes', id })
const put = (services: Services, id: string, durability: 'local' | 'both' = 'local') =>
  writeRecord(services, keyOf(id), { precondition: { kind: 'none' }, durability }, () => ({ id }))
const statesOf = (sites: TwoSites, site: 'aws' | 'azure') => sites[site].records.all().map(stateOf)
const lettersOf = async (services: Services) => (await listDeadLetters(services, { limit: 10 })).items
const noTools = {} as WorkTools

/** Runs what was sent to the queue meanwhile. */
async function work(services: Services): Promise<void> {
  const queue = services.jobs as MemoryJobQueue
  for (let taken = queue.receive(); taken; taken = queue.receive()) {
    await runJob(services, noTools, taken.message, new AbortController().signal)
    taken.acknowledge()
  }
}

describe('outgoing', () => {
  test('what changes while it is paused stays here, is not lost, and goes at once when it is resumed', async () => {
    const sites = twoSites()
    const { aws, azure, clock } = sites
    await pauseReplication(aws.services, 'outgoing', asked)
    for (let n = 0; n < 30; n++) {
      await put(aws.services, `r${n}`)
      await sites.flush()
      await clock.advance(120_000)
      expect(await reconcile(aws.services)).toMatchObject({ paused: true, pushed: 0, compared: false })
    }
    // The other site's reconcile does not take what is held back here.
    expect(await reconcile(azure.services)).toMatchObject({ paused: true, pulled: 0 })
    await put(azure.services, 'other way')
    await sites.flush()
    expect(await readRecord(aws.services, keyOf('other way'))).toBeDefined()
    expect(statesOf(sites, 'azure').map(({ key }) => key.id)).toEqual(['other way'])

    await clock.advance(10_000)
    await resumeReplication(aws.services, 'outgoing', 'key-1')
    await work(aws.services)
    expect(statesOf(sites, 'azure')).toHaveLength(31)
    expect([...(await lettersOf(aws.services)), ...(await lettersOf(azure.services))]).toEqual([])
  })

  test('durability=both is answered honestly', async () => {
    const { aws } = twoSites()
    expect((await put(aws.services, 'a', 'both')).durability).toBe('both')
    await pauseReplication(aws.services, 'outgoing', asked)
    expect((await put(aws.services, 'b', 'both')).durability).toBe('local')
  })

  test('a client that has seen a write here still finds it at the other site', async () => {
    const { aws, azure } = twoSites()
    await pauseReplication(aws.services, 'outgoing', asked)
    const { record } = await put(aws.services, 'a')
    expect(await readRecord(azure.services, keyOf('a'), { session: record.vector })).toBeDefined()
  })
})

describe('incoming', () => {
  test('nothing of the peer is applied, no dead letter is made, and all comes when it is resumed', async () => {
    const sites = twoSites()
    const { aws, azure, clock } = sites
    await pauseReplication(azure.services, 'incoming', asked)
    for (let n = 0; n < 30; n++) {
      await put(aws.services, `r${n}`)
      await sites.flush()
      await clock.advance(120_000)
      expect(await reconcile(aws.services)).toMatchObject({ paused: true, compared: false })
      expect(await reconcile(azure.services)).toMatchObject({ paused: true, pulled: 0 })
    }
    expect(statesOf(sites, 'azure')).toEqual([])
    await put(azure.services, 'other way')
    await sites.flush()
    expect(await readRecord(aws.services, keyOf('other way'))).toBeDefined()
    expect((await aws.services.peer.status()).paused).toEqual(['incoming'])

    await clock.advance(10_000)
    await resumeReplication(azure.services, 'incoming', 'key-1')
    await work(azure.services)
    await work(azure.services)
    expect(statesOf(sites, 'azure')).toHaveLength(31)
    expect([...(await lettersOf(aws.services)), ...(await lettersOf(azure.services))]).toEqual([])
  })

  test('durability=both and sessions are answered honestly', async () => {
    const { aws, azure } = twoSites()
    await pauseReplication(azure.services, 'incoming', asked)
    const { record, durability } = await put(aws.services, 'a', 'both')
    expect(durability).toBe('local')
    const read = readRecord(azure.services, keyOf('a'), { session: record.vector })
    await expect(read).rejects.toMatchObject({ code: 'replication-paused', status: 503 })
    expect(azure.records.all()).toEqual([])
  })

  test('what the quarantine holds stays there', async () => {
    const { aws, azure, clock } = twoSites()
    clock.skew(120_000)
    const { record } = await put(aws.services, 'a')
    clock.skew(-120_000)
    await aws.services.peer.offer([stateOf(record)])
    await pauseReplication(azure.services, 'incoming', asked)
    await clock.advance(600_000)
    await reconcile(azure.services)
    expect(azure.records.all()).toEqual([])
    await resumeReplication(azure.services, 'incoming', 'key-1')
    await reconcile(azure.services)
    expect(azure.records.all()).toHaveLength(1)
  })
})

test('both ways at both sites at once: the sites live apart, and come together afterwards', async () => {
  const sites = twoSites()
  const both = [sites.aws.services, sites.azure.services]
  for (const services of both) for (const way of ways) await pauseReplication(services, way, asked)
  await put(sites.aws.services, 'same')
  await sites.clock.advance(5)
  await put(sites.azure.services, 'same')
  for (let n = 0; n < 10; n++) await put(sites.aws.services, `a${n}`)
  for (let n = 0; n < 10; n++) await put(sites.azure.services, `b${n}`)
  await sites.flush()
  for (const services of both) expect(await reconcile(services)).toMatchObject({ paused: true, pulled: 0, pushed: 0 })
  expect([statesOf(sites, 'aws'), statesOf(sites, 'azure')].map(({ length }) => length)).toEqual([11, 11])
  await sites.clock.advance(10_000)
  for (const services of both) for (const way of ways) await resumeReplication(services, way, 'key-1')
  for (let round = 0; round < 3; round++) for (const services of both) await work(services)
  await sites.flush()
  const sorted = (site: 'aws' | 'azure') =>
    statesOf(sites, site).sort((a, b) => Buffer.compare(Buffer.from(a.stamp), Buffer.from(b.stamp)))
  expect(sorted('aws')).toHaveLength(21)
  expect(sorted('aws')).toEqual(sorted('azure'))
})

test('a pause survives the process, is in effect in others within a second, and keeps its first moment', async () => {
  const { aws, clock } = twoSites()
  const other: Services = { ...aws.services }
  expect((await put(other, 'a', 'both')).durability).toBe('both')
  const { atMs } = await pauseReplication(aws.services, 'outgoing', asked)
  await clock.advance(1000)
  expect((await put(other, 'b', 'both')).durability).toBe('local')
  await pauseReplication(other, 'outgoing', { reason: 'still', by: 'key-2' })
  expect(await pauseOf({ ...aws.services }, 'outgoing')).toEqual({ atMs, reason: 'still', by: 'key-2' })
  await resumeReplication(aws.services, 'outgoing', 'key-1')
  await resumeReplication(aws.services, 'outgoing', 'key-1')
  await clock.advance(1000)
  expect((await put(other, 'c', 'both')).durability).toBe('both')
})

test('a site that cannot read whether it is paused applies nothing', async () => {
  const { aws, azure } = twoSites()
  const { record } = await put(aws.services, 'a')
  const siteStore = { ...azure.services.siteStore, get: () => Promise.reject(new Error('out')) }
  Object.assign(azure.services, { siteStore })
  await expect(aws.services.peer.offer([stateOf(record)])).rejects.toThrow('out')
  expect(azure.records.all()).toEqual([])
})
