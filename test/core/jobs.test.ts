import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { createAssetFromBytes, getAsset } from '../../shared/core/assets.ts'
import { listDeadLetters } from '../../shared/core/dead-letters.ts'
import { handleChanges } from '../../shared/core/feed.ts'
import { runJob } from '../../shared/core/jobs.ts'
import { listRecords } from '../../shared/core/record-reads.ts'
import { replayDeadLetter } from '../../shared/core/replay-letter.ts'
import type { WorkTools } from '../../shared/core/work-tools.ts'
import type { JobMessage } from '../../shared/ports/job-queue.ts'
import type { MediaConverter } from '../../shared/ports/media-converter.ts'
import { mediaConverter } from '../../shared/media/converter.ts'
import { fakeConverter, faultsOf, ingestWorld, tenant, type IngestSite, type IngestWorld } from './ingest-world.ts'

const bytes = Buffer.from('a picture of a boat')
const photo = { name: 'boat.jpg', mediaType: 'image/jpeg' } as const
const never = new AbortController().signal

/** A converter that waits in the middle until it is let go. */
function gated(): { converter: MediaConverter; begun: Promise<void>; open: () => void; runs: () => number } {
  const gate = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  let runs = 0
  const converter: MediaConverter = {
    ...fakeConverter,
    convert: async (source, inspection, options) => {
      runs++
      begun.resolve()
      if (runs === 1) await gate.promise
      options.signal.throwIfAborted()
      return fakeConverter.convert(source, inspection, options)
    },
  }
  return { converter, begun: begun.promise, open: gate.resolve, runs: () => runs }
}

describe('jobs', () => {
  let world: IngestWorld
  beforeEach(async () => {
    world = await ingestWorld()
  })
  afterEach(() => world.close())

  const create = async (content: Uint8Array = bytes, input: { name: string; mediaType: string } = photo) =>
    (await createAssetFromBytes(world.aws.services, tenant, input, content)).asset.id
  const take = (site: IngestSite): JobMessage => {
    const delivery = site.queue.receive()
    delivery?.acknowledge()
    if (!delivery) throw new Error('no message')
    return delivery.message
  }
  const jobOf = (site: IngestSite) => site.records.all().find(({ key }) => key.collection === '_jobs')?.body
  const deliverFeeds = async (): Promise<void> => {
    for (const site of [world.aws, world.azure, world.aws]) {
      if (site.isUp) await handleChanges(site.services, site.feed.splice(0, 500))
    }
  }

  test('a message that comes many times, some at once, is worked on once', async () => {
    const gate = gated()
    const id = await create()
    const message = take(world.aws)
    const work: WorkTools = { ...world.aws.work, converter: gate.converter }
    const first = runJob(world.aws.services, work, message, never)
    await gate.begun
    for (let n = 0; n < 5; n++) await runJob(world.aws.services, work, message, never)
    gate.open()
    await first
    await runJob(world.aws.services, work, message, never)
    expect(gate.runs()).toBe(1)
    await world.settle()
    expect(await getAsset(world.azure.services, tenant, id)).toMatchObject({ status: 'ready', bytesHere: true })
    expect(faultsOf(world)).toEqual([])
  })

  test('the lease is renewed while the work goes on, and its progress can be seen at both sites', async () => {
    const gate = gated()
    const id = await create()
    const converter: MediaConverter = {
      ...gate.converter,
      convert: (source, inspection, options) => {
        setImmediate(() => options.onProgress?.(0.5))
        return gate.converter.convert(source, inspection, options)
      },
    }
    const running = runJob(world.aws.services, { ...world.aws.work, converter }, take(world.aws), never)
    await gate.begun
    for (let n = 0; n < 12; n++) {
      await world.clock.advance(10_000)
      await new Promise(setImmediate)
    }
    expect(Number(jobOf(world.aws)?.['leaseUntilMs'])).toBeGreaterThan(world.clock.now())
    await deliverFeeds()
    expect(await getAsset(world.azure.services, tenant, id)).toMatchObject({ status: 'processing', progress: 0.45 })
    gate.open()
    await running
    expect(await getAsset(world.aws.services, tenant, id)).toMatchObject({ status: 'ready' })
  })

  test('a lost message is sent again; a run that died is followed by another', async () => {
    const id = await create()
    take(world.aws)
    await world.settle()
    expect(await getAsset(world.aws.services, tenant, id)).toMatchObject({ status: 'uploaded' })
    await world.pass(3)
    expect(await getAsset(world.aws.services, tenant, id)).toMatchObject({ status: 'ready' })
    expect(faultsOf(world)).toEqual([])
  })

  test('when a site dies in the middle of a conversion, the other takes over; the zombie changes nothing', async () => {
    const gate = gated()
    const id = await create()
    const zombie = runJob(world.aws.services, { ...world.aws.work, converter: gate.converter }, take(world.aws), never)
    await gate.begun
    await deliverFeeds()
    await world.settle()
    expect(await getAsset(world.azure.services, tenant, id)).toMatchObject({ status: 'processing', bytesHere: true })
    world.aws.isUp = false
    // A dead site writes nothing, so its heartbeat fails from now on.
    const put = world.aws.records.put.bind(world.aws.records)
    Object.assign(world.aws.records, { put: async () => Promise.reject(new Error('dead')) })
    await world.pass(4)
    expect(await getAsset(world.azure.services, tenant, id)).toMatchObject({ status: 'ready', bytesHere: true })
    expect(jobOf(world.azure)).toMatchObject({ state: 'done', site: 'azure' })
    Object.assign(world.aws.records, { put })
    const before = world.azure.records.all().length
    gate.open()
    await zombie.catch(() => undefined)
    world.aws.isUp = true
    await world.settle()
    for (const record of world.azure.records.all())
      await handleChanges(world.azure.services, [{ ...record, via: 'client' }])
    await world.pass(3)
    expect(world.azure.records.all().length).toBe(before)
    expect(await getAsset(world.aws.services, tenant, id)).toMatchObject({ status: 'ready', bytesHere: true })
    expect(faultsOf(world)).toEqual([])
  })

  test('a run that breaks is tried five times, then filed; replaying the letter opens it again', async () => {
    const id = await create(Buffer.from('BUG in the converter'))
    await world.settle()
    await world.pass(10)
    expect(await getAsset(world.azure.services, tenant, id)).toMatchObject({
      status: 'failed',
      error: { code: 'attempts-exhausted', detail: 'Given up after 5 attempts: Something went wrong on our side.' },
    })
    const { items } = await listDeadLetters(world.aws.services, { limit: 10 })
    expect(items).toMatchObject([{ kind: 'job', cause: expect.stringContaining('x is not a function') }])
    expect(jobOf(world.aws)).toMatchObject({ state: 'failed', attempts: 5 })
    const healed: MediaConverter = { ...fakeConverter, convert: async () => [] }
    await replayDeadLetter(world.aws.services, items[0]?.id ?? '')
    const message = take(world.aws)
    await runJob(world.aws.services, { ...world.aws.work, converter: healed }, message, never)
    await world.settle()
    expect(await getAsset(world.azure.services, tenant, id)).toMatchObject({ status: 'ready' })
    expect(faultsOf(world)).toEqual([])
  })

  test('when the time of the function is nearly over, the job is handed back at once', async () => {
    const gate = gated()
    const id = await create()
    const ending = new AbortController()
    const running = runJob(
      world.aws.services,
      { ...world.aws.work, converter: gate.converter },
      take(world.aws),
      ending.signal,
    )
    await gate.begun
    ending.abort(new Error('time is nearly over'))
    gate.open()
    await running
    expect(jobOf(world.aws)).toMatchObject({ state: 'waiting' })
    await world.settle()
    expect(await getAsset(world.azure.services, tenant, id)).toMatchObject({ status: 'ready' })
    expect(faultsOf(world)).toEqual([])
  })

  test('a message of a kind that nobody knows is filed', async () => {
    await runJob(world.aws.services, world.aws.work, { kind: 'dance', payload: {} }, never)
    expect((await listDeadLetters(world.aws.services, { limit: 10 })).items).toMatchObject([{ kind: 'job' }])
  })

  test('bytes that change between the sites are never stored; the copy is tried again', async () => {
    const id = await create()
    const good = world.azure.work.fetch
    let spoiled = 0
    const spoil: WorkTools['fetch'] = async (url, init) => {
      const answer = await good(url, init)
      if (spoiled++ >= 3) return answer
      const content = new Uint8Array(await answer.arrayBuffer())
      content[0] = (content[0] ?? 0) ^ 1
      return new Response(content, { status: answer.status })
    }
    Object.assign(world.azure.work, { fetch: spoil })
    await world.settle()
    expect(world.azure.objects.all()).toEqual([])
    expect(await getAsset(world.azure.services, tenant, id)).toMatchObject({ status: 'ready', bytesHere: false })
    await world.pass(3)
    expect(await getAsset(world.azure.services, tenant, id)).toMatchObject({ status: 'ready', bytesHere: true })
    expect(faultsOf(world)).toEqual([])
  })

  test('an object that stays spoiled is filed after five attempts', async () => {
    const short: WorkTools['fetch'] = async () => new Response('spoiled bytes 12345', { status: 200 })
    Object.assign(world.azure.work, { fetch: short })
    await create(Buffer.from('exactly 19 bytes !!'))
    await world.settle()
    await world.pass(30)
    const { items } = await listDeadLetters(world.azure.services, { limit: 10 })
    expect(items.map(({ cause }) => cause.slice(0, 28))).toContain('Not copied after 5 attempts:')
    expect(world.azure.objects.all()).toEqual([])
  })

  test('a peer that is away costs no attempt, and its objects come when it is back', async () => {
    const id = await create()
    const { fetch } = world.azure.work
    Object.assign(world.azure.work, { fetch: async () => Promise.reject(new TypeError('fetch failed')) })
    await world.settle()
    await world.pass(20)
    expect((await listDeadLetters(world.azure.services, { limit: 10 })).items).toEqual([])
    Object.assign(world.azure.work, { fetch })
    await world.pass(7)
    expect(await getAsset(world.azure.services, tenant, id)).toMatchObject({ bytesHere: true })
    expect(faultsOf(world)).toEqual([])
  })

  test('rows become records at both sites, resumed at the checkpoint, and shrink with the file', async () => {
    const lines = Array.from({ length: 5_000 }, (_, n) => `${n},town ${n},${n * 10}`)
    const csv = (count: number): Buffer => Buffer.from(['id,name,size', ...lines.slice(0, count)].join('\n'))
    const work: WorkTools = { ...world.aws.work, converter: mediaConverter({ ffmpeg: undefined }) }
    Object.assign(world.aws.work, { converter: work.converter })
    await world.aws.objects.put(`drop/${tenant}/towns.csv`, csv(5_000), { mediaType: 'text/csv' })
    // Dies on the way: the store refuses every write after a while.
    const putMany = world.aws.services.records.putMany.bind(world.aws.services.records)
    let rows = 0
    Object.assign(world.aws.services.records, {
      putMany: async (...args: Parameters<typeof putMany>) => {
        const before = rows
        rows += args[0].filter(({ state }) => state.key.collection.startsWith('data-')).length
        if (before < 3_000 && rows >= 3_000) throw new Error('store down')
        return putMany(...args)
      },
    })
    await world.settle()
    expect(jobOf(world.aws)).toMatchObject({ state: 'waiting', checkpoint: { rows: 2_100 } })
    await world.pass(3)
    expect(rows).toBeLessThan(6_100)
    const asset = world.aws.records.all().find(({ key }) => key.collection === 'assets')?.key.id ?? ''
    const view = await getAsset(world.azure.services, tenant, asset)
    expect(view).toMatchObject({ status: 'ready', kind: 'data', rows: { count: 5_000, errors: 0 }, bytesHere: true })
    expect(view?.renditions.map(({ name }) => name)).toEqual(['parquet', 'profile', 'profile-chart'])
    const collection = { tenant, collection: view?.rows?.collection ?? '' }
    const page = await listRecords(world.azure.services, collection, { limit: 2 })
    expect(page.items.map(({ key, body }) => [key.id, body])).toEqual([
      ['0000000001', { id: 0, name: 'town 0', size: 0 }],
      ['0000000002', { id: 1, name: 'town 1', size: 10 }],
    ])
    // Fewer go than the peer's breaker on mass deletion lets through without a word.
    await world.aws.objects.put(`drop/${tenant}/towns.csv`, csv(4_960), { mediaType: 'text/csv' })
    await world.settle()
    const after = { after: '0000004958', limit: 100 }
    const last = (await listRecords(world.azure.services, collection, after)).items.map(({ key }) => key.id)
    expect(last).toEqual(['0000004959', '0000004960'])
    expect(faultsOf(world)).toEqual([])
  })
})
