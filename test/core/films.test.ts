import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { objectKeysOf, type JobBody } from '../../shared/domain/asset.ts'
import { createAssetFromBytes, deleteAsset, getAsset, restoreAsset } from '../../shared/core/assets.ts'
import { listDeadLetters } from '../../shared/core/dead-letters.ts'
import { objectDropped } from '../../shared/core/drops.ts'
import { handleChanges } from '../../shared/core/feed.ts'
import { runJob } from '../../shared/core/jobs.ts'
import { readMedia } from '../../shared/core/media-store.ts'
import { sweep } from '../../shared/core/sweep.ts'
import { fakeFilms, type FakeFilms } from './film-world.ts'
import { faultsOf, ingestWorld, tenant, type IngestSite, type IngestWorld } from './ingest-world.ts'

const never = new AbortController().signal
const film = { name: 'film.mp4', mediaType: 'video/mp4' } as const
const none = { precondition: { kind: 'none' } } as const

describe('long films', () => {
  let films: FakeFilms
  let world: IngestWorld
  beforeEach(async () => {
    films = fakeFilms()
    world = await ingestWorld({ converter: films.converter })
  })
  afterEach(() => world.close())

  const create = async (text: string): Promise<string> =>
    (await createAssetFromBytes(world.aws.services, tenant, film, Buffer.from(text))).asset.id
  const work = async (site: IngestSite): Promise<boolean> => {
    const delivery = site.queue.receive()
    if (!delivery) return false
    delivery.acknowledge()
    await runJob(site.services, site.work, delivery.message, never)
    return true
  }
  const jobsOf = (site: IngestSite): JobBody[] =>
    site.records.all().flatMap(({ key, body }) => (key.collection === '_jobs' ? [body as JobBody] : []))
  const replicate = async (): Promise<void> => {
    for (const site of [world.aws, world.azure, world.aws]) {
      if (site.isUp) await handleChanges(site.services, site.feed.splice(0, 500))
    }
  }
  const textOf = async (site: IngestSite, asset: string): Promise<string> => {
    const sha256 = (await getAsset(site.services, tenant, asset))?.renditions[0]?.sha256 ?? ''
    const object = site.objects.all().find(({ info }) => info.key.endsWith(sha256))
    return Buffer.from(object?.bytes ?? []).toString()
  }
  const inOrder = (): number[] => [...films.made].sort((a, b) => a - b)
  const staged = (site: IngestSite): string[] =>
    site.objects.all().flatMap(({ info }) => (info.key.includes('/film-') ? [info.key] : []))

  test('parts are made once each by whoever is free, and joined in order; nothing staged stays', async () => {
    const id = await create('one two three four')
    await work(world.aws)
    await Promise.all([work(world.aws), work(world.aws)])
    expect(inOrder()).toEqual([0, 1])
    expect(staged(world.aws).length).toBe(2)
    await world.settle()
    expect(inOrder()).toEqual([0, 1, 2, 3])
    expect(await getAsset(world.azure.services, tenant, id)).toMatchObject({ status: 'ready', bytesHere: true })
    expect(await textOf(world.azure, id)).toBe('0:ONE 1:TWO 2:THREE 3:FOUR')
    expect(faultsOf(world)).toEqual([])
  })

  test('what its parts found out is told of a film, and of another of the same bytes, of which none are made', async () => {
    for (const _ of ['first', 'second']) {
      const id = await create('one two three')
      await world.settle()
      const { status, properties } = (await getAsset(world.azure.services, tenant, id)) ?? {}
      expect({ status, properties }).toMatchObject({ status: 'ready', properties: { width: 3, words: 3 } })
    }
    expect(inOrder()).toEqual([0, 1, 2])
  })

  test('how far a film is can be read, in steps of its parts', async () => {
    const id = await create('one two three four')
    await work(world.aws)
    await work(world.aws)
    await work(world.aws)
    // Nobody has looked yet; the sweep does, every minute.
    expect(await getAsset(world.aws.services, tenant, id)).toMatchObject({ status: 'processing', progress: 0 })
    const film = world.aws.records.all().find(({ body }) => body?.['kind'] === 'process')
    const payload = { tenant, job: film?.key.id ?? '' }
    await runJob(world.aws.services, world.aws.work, { kind: 'process', payload }, never)
    expect(await getAsset(world.aws.services, tenant, id)).toMatchObject({ status: 'processing', progress: 0.45 })
    expect(jobsOf(world.aws).find(({ kind }) => kind === 'process')).toMatchObject({ state: 'waiting', attempts: 0 })
  })

  test('a worker that dies costs its part, and its zombie changes nothing', async () => {
    const gate = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    films.before = async (part) => {
      if (part !== 1 || films.made.filter((each) => each === 1).length > 1) return
      begun.resolve()
      await gate.promise
    }
    const id = await create('one two three')
    await work(world.aws)
    await work(world.aws)
    const { services } = world.aws
    // A process that is gone renews no lease.
    const clock = { ...services.clock, sleep: () => new Promise<void>(() => undefined) }
    const message = world.aws.queue.receive()
    message?.acknowledge()
    const zombie = runJob({ ...services, clock }, world.aws.work, message?.message ?? { kind: '', payload: {} }, never)
    await begun.promise
    await world.settle()
    expect(await getAsset(services, tenant, id)).toMatchObject({ status: 'processing' })
    await world.pass(3)
    expect(await getAsset(services, tenant, id)).toMatchObject({ status: 'ready' })
    expect(inOrder()).toEqual([0, 1, 1, 2])
    gate.resolve()
    void zombie
    await world.pass(1)
    expect(await textOf(world.azure, id)).toBe('0:ONE 1:TWO 2:THREE')
    expect(faultsOf(world)).toEqual([])
  })

  test('the site of a film dies half way: the other makes it, and what the first had staged goes when it is back', async () => {
    const id = await create('one two three four')
    await work(world.aws)
    await work(world.aws)
    await work(world.aws)
    await replicate()
    while (await work(world.azure));
    world.aws.isUp = false
    await world.pass(6)
    expect(await getAsset(world.azure.services, tenant, id)).toMatchObject({ status: 'ready', bytesHere: true })
    expect(await textOf(world.azure, id)).toBe('0:ONE 1:TWO 2:THREE 3:FOUR')
    expect((await getAsset(world.azure.services, tenant, id))?.properties).toMatchObject({ words: 4 })
    expect(staged(world.aws).length).toBe(2)
    expect(staged(world.azure)).toEqual([])
    const before = films.made.length
    world.aws.isUp = true
    await world.pass(6)
    // It may take up again what lies in its queue, until it hears the news.
    expect(films.made.length).toBeLessThanOrEqual(before + 2)
    expect(await textOf(world.aws, id)).toBe('0:ONE 1:TWO 2:THREE 3:FOUR')
    expect(faultsOf(world)).toEqual([])
  })

  test('a site that is there keeps its parts; one that does nothing for long loses the whole film', async () => {
    const id = await create('one two three')
    await work(world.aws)
    const passAtAzure = async (minutes: number): Promise<void> => {
      for (let minute = 0; minute < minutes; minute++) {
        await world.clock.advance(60_000)
        await replicate()
        await sweep(world.azure.services)
        while (await work(world.azure));
      }
    }
    await passAtAzure(10)
    expect(jobsOf(world.azure).map(({ site }) => site)).toEqual(['aws', 'aws', 'aws', 'aws'])
    await passAtAzure(5)
    expect(await getAsset(world.azure.services, tenant, id)).toMatchObject({ status: 'ready', bytesHere: true })
    await world.pass(3)
    expect(inOrder()).toEqual([0, 1, 2])
    expect(faultsOf(world)).toEqual([])
  })

  test('another version in the middle stops the parts of the one before', async () => {
    const put = (text: string) =>
      world.aws.objects.put(`drop/${tenant}/film.mp4`, Buffer.from(text), { mediaType: 'video/mp4' })
    await put('one two three four')
    const event = world.aws.events.shift()
    if (event) await objectDropped(world.aws.services, event)
    await work(world.aws)
    await work(world.aws)
    await put('new film')
    await world.settle()
    await world.pass(3)
    expect(films.made).toEqual([0, 0, 1])
    const id = world.aws.records.all().find(({ key }) => key.collection === 'assets')?.key.id ?? ''
    expect(await textOf(world.azure, id)).toBe('0:NEW 1:FILM')
    expect(staged(world.aws)).toEqual([])
    expect(jobsOf(world.azure).every(({ state }) => state === 'done')).toBe(true)
  })

  test('messages that come twice, and at once, make nothing twice', async () => {
    const id = await create('one two')
    await work(world.aws)
    const delivery = world.aws.queue.receive()
    delivery?.acknowledge()
    const message = delivery?.message ?? { kind: '', payload: {} }
    await Promise.all([1, 2, 3].map(() => runJob(world.aws.services, world.aws.work, message, never)))
    await world.settle()
    await runJob(world.aws.services, world.aws.work, message, never)
    expect(inOrder()).toEqual([0, 1])
    expect(films.joins).toBe(1)
    expect(await getAsset(world.azure.services, tenant, id)).toMatchObject({ status: 'ready' })
    expect(faultsOf(world)).toEqual([])
  })

  test('a lost message of the last part does not leave the film unjoined', async () => {
    const id = await create('one two')
    for (let message = 0; message < 3; message++) await work(world.aws)
    world.aws.queue.receive()?.acknowledge()
    await world.settle()
    expect(await getAsset(world.aws.services, tenant, id)).toMatchObject({ status: 'processing' })
    await world.pass(3)
    expect(await getAsset(world.azure.services, tenant, id)).toMatchObject({ status: 'ready' })
    expect(faultsOf(world)).toEqual([])
  })

  test('a film that is deleted stops, and begins anew when it is restored', async () => {
    const id = await create('one two three four')
    await work(world.aws)
    await work(world.aws)
    await deleteAsset(world.aws.services, tenant, id, none)
    await world.settle()
    await world.pass(3)
    expect(films.made).toEqual([0])
    expect(staged(world.aws)).toEqual([])
    expect(jobsOf(world.aws).map(({ state }) => state)).toEqual(['done', 'done', 'done', 'done', 'done'])
    await restoreAsset(world.aws.services, tenant, id, none)
    await world.settle()
    expect(await getAsset(world.azure.services, tenant, id)).toMatchObject({ status: 'ready' })
    expect(await textOf(world.aws, id)).toBe('0:ONE 1:TWO 2:THREE 3:FOUR')
    expect(faultsOf(world)).toEqual([])
  })

  test('a fault of the film in one part is the fault of the asset, said as it is', async () => {
    const id = await create('one BROKEN three')
    await world.settle()
    await world.pass(3)
    const error = { code: 'invalid-media', detail: 'The film is damaged there.' }
    expect(await getAsset(world.azure.services, tenant, id)).toMatchObject({ status: 'failed', error })
    expect(staged(world.aws)).toEqual([])
    expect(jobsOf(world.aws).filter(({ state }) => state !== 'done' && state !== 'failed')).toEqual([])
  })

  test('parts that do not fit are made anew; parts that were lost too', async () => {
    const id = await create('MISFIT two')
    await world.settle()
    await world.pass(2)
    expect(inOrder()).toEqual([0, 0, 1, 1])
    expect(await getAsset(world.azure.services, tenant, id)).toMatchObject({ status: 'ready' })
    expect(faultsOf(world)).toEqual([])
    const other = await create('lost two')
    for (let message = 0; message < 3; message++) await work(world.aws)
    for (const key of staged(world.aws).slice(0, 1)) await world.aws.objects.remove(key)
    await world.settle()
    expect(films.made.length).toBe(4 + 3)
    expect(await textOf(world.aws, other)).toBe('0:LOST 1:TWO')
    expect((await listDeadLetters(world.aws.services, { limit: 10 })).items).toEqual([])
    expect(faultsOf(world)).toEqual([])
  })

  test('the same film again, at either site, is not made again; while the first is being made, it is', async () => {
    const first = await create('one two three')
    await work(world.aws)
    await work(world.aws)
    const meanwhile = await create('one two three')
    await world.settle()
    expect(inOrder()).toEqual([0, 0, 1, 1, 2, 2])
    const again = await create('one two three')
    await world.settle()
    const there = await createAssetFromBytes(world.azure.services, tenant, film, Buffer.from('one two three'))
    await world.settle()
    expect(inOrder()).toEqual([0, 0, 1, 1, 2, 2])
    const keysAt = async (site: IngestSite, id: string): Promise<string[]> =>
      [(await readMedia(site.services, tenant, id)) ?? []].flat().flatMap((media) => objectKeysOf(media).sort())
    const donors = [await keysAt(world.aws, first), await keysAt(world.aws, meanwhile)].map(String)
    for (const site of [world.aws, world.azure]) {
      for (const id of [again, there.asset.id]) {
        expect(await getAsset(site.services, tenant, id)).toMatchObject({ status: 'ready', bytesHere: true })
        expect(donors).toContain(String(await keysAt(site, id)))
        expect(await textOf(site, id)).toBe('0:ONE 1:TWO 2:THREE')
      }
    }
    await deleteAsset(world.aws.services, tenant, first, none)
    await deleteAsset(world.aws.services, tenant, meanwhile, none)
    await world.settle()
    expect(await textOf(world.azure, again)).toBe('0:ONE 1:TWO 2:THREE')
    expect(staged(world.aws)).toEqual([])
    expect(faultsOf(world)).toEqual([])
  })
})
