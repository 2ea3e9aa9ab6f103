import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { applyStates } from '../../shared/core/apply.ts'
import { deleteAsset } from '../../shared/core/assets.ts'
import { handleChanges } from '../../shared/core/feed.ts'
import { runJob } from '../../shared/core/jobs.ts'
import { getMissing, missingOf } from '../../shared/core/missing-objects.ts'
import type { Services } from '../../shared/core/services.ts'
import { parseDropKey } from '../../shared/domain/names.ts'
import type { JobMessage } from '../../shared/ports/job-queue.ts'
import { faultsOf, tenant, type IngestSite } from './ingest-world.ts'
import { operate, runNext } from './operation-world.ts'
import {
  bring,
  donorOf,
  feedOf,
  keysOf,
  picture,
  sharersAt,
  sharingWorld,
  storedKeys,
  textOf,
  viewOf,
  type SharingWorld,
} from './shared-bytes-world.ts'

let world: SharingWorld
beforeEach(async () => {
  world = await sharingWorld()
})
afterEach(() => world.close())

const none = { precondition: { kind: 'none' } } as const

async function brought(site: IngestSite, id: string, bytes: Uint8Array = picture): Promise<void> {
  await bring(site, id, bytes)
  await world.settle()
}

/** The donor `a` and its sharer `b` are ready at AWS, and Azure knows of neither. */
async function unheardOf(): Promise<void> {
  await bring(world.aws, 'a')
  await runNext(world.aws)
  await bring(world.aws, 'b')
  await runNext(world.aws)
  expect(await donorOf(world.aws, 'b')).toEqual([`${tenant}/a`])
}

const messagesOf = (site: IngestSite): JobMessage[] => {
  const messages: JobMessage[] = []
  for (let next = site.queue.receive(); next; next = site.queue.receive()) {
    messages.push(next.message)
    next.acknowledge()
  }
  return messages
}

const run = (services: Services, message: JobMessage): Promise<void> =>
  runJob(services, world.azure.work, message, new AbortController().signal)

describe.each([
  ['the sharer', 'b', 'a'],
  ['the donor', 'a', 'b'],
])('when %s reaches the peer first', (_, first, second) => {
  test('each object is asked for once, known to be missing of both, and both are here when all have come', async () => {
    await unheardOf()
    const { services } = world.azure
    const later = feedOf(world.aws, second)
    await handleChanges(world.aws.services, feedOf(world.aws, first))
    await handleChanges(services, world.azure.feed.splice(0, 100))
    await handleChanges(world.aws.services, later)
    await handleChanges(services, world.azure.feed.splice(0, 100))
    const keys = await keysOf(world.azure, first)
    for (const key of keys) {
      const item = await getMissing(services, key)
      expect(item && missingOf(item)).toMatchObject({ asset: first, others: [second], key })
    }
    const copies = messagesOf(world.azure).filter(({ kind }) => kind === 'copy-object')
    expect(new Set(copies.map(({ payload }) => payload['key']))).toEqual(new Set(keys))
    expect(copies.length).toBe(keys.length)
    for (const copy of copies) await run(services, copy)
    for (const id of ['a', 'b']) expect(await viewOf(world.azure, id)).toMatchObject({ bytesHere: true })
    await world.settle()
    expect(faultsOf(world)).toEqual([])
    expect(storedKeys(world.azure)).toEqual(storedKeys(world.aws))
  })

  test('which it does at any moment of the copy', async () => {
    for (let call = 1, isOver = false; !isOver; call++) {
      await world.close()
      world = await sharingWorld(call)
      await unheardOf()
      const later = feedOf(world.aws, second)
      await handleChanges(world.aws.services, feedOf(world.aws, first))
      await handleChanges(world.azure.services, world.azure.feed.splice(0, 100))
      const [last, ...copies] = messagesOf(world.azure).filter(({ kind }) => kind === 'copy-object')
      if (!last) throw new Error('nothing is copied')
      for (const copy of copies) await run(world.azure.services, copy)
      let calls = 0
      const arrive = async (): Promise<void> => {
        if (++calls !== call) return
        await handleChanges(world.aws.services, later)
        await handleChanges(world.azure.services, world.azure.feed.splice(0, 100))
      }
      await run(before(world.azure.services, arrive), last)
      isOver = calls < call
      if (isOver) await handleChanges(world.aws.services, later)
      await world.settle()
      expect([call, faultsOf(world)]).toEqual([call, []])
      for (const id of ['a', 'b']) expect([call, (await viewOf(world.azure, id))?.bytesHere]).toEqual([call, true])
    }
  })
})

/** A site at which something happens before every call to its own stores. */
function before(services: Services, act: () => Promise<void>): Services {
  const wrap = <Port extends object>(port: Port): Port =>
    new Proxy(port, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name)
        if (typeof member !== 'function') return member
        return async (...args: unknown[]): Promise<unknown> => {
          await act()
          return Reflect.apply(member, target, args)
        }
      },
    })
  const { records, siteStore, objects } = services
  return { ...services, records: wrap(records), siteStore: wrap(siteStore), objects: wrap(objects) }
}

describe('a donor whose file is about other bytes by now', () => {
  const path = `drop/${tenant}/in/boat.jpg`
  const parsed = parseDropKey(path)
  const dropped = parsed.kind === 'drop' ? parsed.assetId : ''

  beforeEach(async () => {
    await world.aws.objects.put(path, picture, { mediaType: 'image/jpeg' })
    await world.settle()
    await brought(world.aws, 'b')
    await brought(world.azure, 'c')
    await world.aws.objects.put(path, Buffer.from('another boat'), { mediaType: 'image/jpeg' })
    await world.settle()
  })

  test('leaves what others share', async () => {
    for (const site of [world.aws, world.azure]) {
      for (const id of ['b', 'c']) {
        expect(await donorOf(site, id)).toEqual([`${tenant}/${dropped}`])
        expect(await textOf(site, id, 'large')).toBe(`large:${picture.toString()}`)
      }
      expect(await textOf(site, dropped)).toBe('another boat')
    }
    expect(faultsOf(world)).toEqual([])
  })

  test('verify counts what they share once, and not with what older versions left', async () => {
    await world.clock.advance(25 * 3_600_000)
    for (const deep of [false, true]) {
      const done = await operate(world, world.aws, 'verify', { deep })
      expect([done.state, done.found]).toEqual(['done', {}])
      expect(done.counters).toMatchObject({ objects: 6 })
      expect(done.counters.objectsOfOlderVersions ?? 0).toBe(0)
    }
  })

  test('verify tells of what an older version left when nobody shares it', async () => {
    await world.aws.objects.put(path, Buffer.from('a third boat'), { mediaType: 'image/jpeg' })
    await world.settle()
    await world.clock.advance(25 * 3_600_000)
    const done = await operate(world, world.aws, 'verify', {})
    expect(done.counters).toMatchObject({ objects: 6, objectsOfOlderVersions: 3 })
  })

  test('a site that has lost all it held is filled again, each object once', async () => {
    const { azure } = world
    azure.objects.load([])
    azure.siteStore.load([])
    await world.clock.advance(120_000)
    const done = await operate(world, world.aws, 'backfill', {})
    expect([done.state, done.counters.objectsSent]).toEqual(['done', 6])
    await world.settle()
    expect(storedKeys(azure)).toEqual(await expectedAt(world.aws))
    for (const id of ['b', 'c', dropped]) expect(await textOf(azure, id)).toMatch(/boat/)
  })

  const expectedAt = async (site: IngestSite): Promise<string[]> =>
    [...new Set((await Promise.all(['b', dropped].map((id) => keysOf(site, id)))).flat())].sort()
})

test('an object that several share is damaged once, told once, and mended for all', async () => {
  await brought(world.aws, 'a')
  await brought(world.aws, 'b')
  const [key = ''] = await keysOf(world.aws, 'b')
  const { objects } = world.azure
  objects.load(objects.all().map((each) => (each.info.key === key ? { ...each, bytes: Buffer.from('rubbish') } : each)))
  await world.clock.advance(120_000)
  const found = await operate(world, world.aws, 'verify', { deep: true })
  expect([found.counters.objects, found.found]).toEqual([3, { 'object-corrupt': 1 }])
  await operate(world, world.aws, 'repair', { deep: true })
  const after = await operate(world, world.aws, 'verify', { deep: true })
  expect(after.found).toEqual({})
})

describe('a site that went back to a backup', () => {
  const restored = (): Services => ({ ...world.aws.services, incarnation: 1 })
  const runRestored = async (): Promise<void> => {
    const delivery = world.aws.queue.receive()
    if (delivery) await runJob(restored(), world.aws.work, delivery.message, new AbortController().signal)
    delivery?.acknowledge()
  }

  async function goBack(): Promise<void> {
    await brought(world.aws, 'a')
    const backup = world.aws.records.all()
    await brought(world.aws, 'b')
    world.aws.records.load(backup)
    expect(await sharersAt(world.aws, 'a')).toEqual([])
    expect(await sharersAt(world.azure, 'a', world.aws)).toEqual(['b'])
  }

  test('hears from its peer whom it listed, before it lists another', async () => {
    await goBack()
    await bring(world.aws, 'c')
    await runRestored()
    expect(await donorOf(world.aws, 'c')).toEqual([`${tenant}/a`])
    await world.settle()
    for (const site of [world.aws, world.azure]) expect(await sharersAt(site, 'a', world.aws)).toEqual(['b', 'c'])
  })

  test('does not wait for it: it stores anew', async () => {
    await goBack()
    world.azure.isUp = false
    await bring(world.aws, 'c')
    await runRestored()
    expect(await donorOf(world.aws, 'c')).toEqual([`${tenant}/c`])
  })
})

test('a list that burnt with its site before it had crossed over is made again of the records that come back', async () => {
  await brought(world.aws, 'a')
  await brought(world.aws, 'b')
  const { aws, azure } = world
  const left = azure.records.all().filter(({ key }) => key.collection !== '_sharers')
  azure.records.load(left)
  for (const { records, siteStore, objects } of [aws]) for (const store of [records, siteStore, objects]) store.load([])
  const services = { ...aws.services, incarnation: 1 }
  await applyStates(services, left)
  await handleChanges(services, aws.feed.splice(0, 100))
  expect(await sharersAt(aws, 'a')).toEqual(['b'])
  await world.settle()
  expect(storedKeys(aws)).toEqual(storedKeys(azure))
})

test('a sharer of a donor that is deleted keeps its bytes, at both sites', async () => {
  await brought(world.aws, 'a')
  await brought(world.azure, 'b')
  await deleteAsset(world.aws.services, tenant, 'a', none)
  await world.settle()
  for (const site of [world.aws, world.azure]) expect(await textOf(site, 'b')).toBe(picture.toString())
})
