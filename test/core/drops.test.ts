import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { deleteAsset, getAsset, listAssets, restoreAsset } from '../../shared/core/assets.ts'
import { openContent } from '../../shared/core/content.ts'
import { listDeadLetters } from '../../shared/core/dead-letters.ts'
import { objectDropped } from '../../shared/core/drops.ts'
import { runJob } from '../../shared/core/jobs.ts'
import type { Services } from '../../shared/core/services.ts'
import type { MediaConverter } from '../../shared/ports/media-converter.ts'
import { derivedId } from '../../shared/domain/hash.ts'
import { parseDropKey } from '../../shared/domain/names.ts'
import { memoryRandom } from '../memory/clock.ts'
import { fakeConverter, faultsOf, ingestWorld, tenant, type IngestSite, type IngestWorld } from './ingest-world.ts'

const key = `drop/${tenant}/in/boat.jpg`
const id = derivedId('drop', tenant, 'in/boat.jpg')

describe('drops', () => {
  let world: IngestWorld
  beforeEach(async () => {
    world = await ingestWorld()
  })
  afterEach(() => world.close())

  const drop = (site: IngestSite, text: string, at = key) =>
    site.objects.put(at, Buffer.from(text), { mediaType: 'image/jpeg' })
  const dyingAt = ({ services }: IngestSite, writes: number): Services => {
    let left = writes
    const put: typeof services.records.put = (...args) =>
      left-- > 0 ? services.records.put(...args) : Promise.reject(new Error('the machine is gone'))
    return { ...services, records: { ...services.records, put } }
  }
  const contentOf = async (site: IngestSite): Promise<string> => {
    const found = await openContent(site.services, tenant, id)
    return found.kind === 'here' ? new Response(found.body).text() : found.kind
  }

  test('a dropped file becomes an asset named by its path, at both sites', async () => {
    await drop(world.azure, 'one')
    await world.settle()
    for (const site of [world.aws, world.azure]) {
      expect(await getAsset(site.services, tenant, id)).toMatchObject({
        name: 'in/boat.jpg',
        status: 'ready',
        source: { kind: 'drop', path: 'in/boat.jpg' },
        bytesHere: true,
      })
      expect(await contentOf(site)).toBe('one')
    }
    expect(await world.azure.objects.head(key)).toBeDefined()
    expect(faultsOf(world)).toEqual([])
  })

  test('overwriting makes a new version, removing trashes it, dropping again brings it back', async () => {
    await drop(world.azure, 'one')
    await world.settle()
    await drop(world.azure, 'two')
    await world.settle()
    expect(await contentOf(world.aws)).toBe('two')
    await world.azure.objects.remove(key)
    await world.settle()
    for (const site of [world.aws, world.azure]) expect(await getAsset(site.services, tenant, id)).toBeUndefined()
    await drop(world.azure, 'two')
    await world.settle()
    expect(await contentOf(world.aws)).toBe('two')
    expect(faultsOf(world)).toEqual([])
  })

  test.each([0, 1, 2, 3, 4, 5])(
    'a file removed after a run that died at its write %i leaves no asset',
    async (writes) => {
      await drop(world.aws, 'one')
      await objectDropped(dyingAt(world.aws, writes), { key, change: 'created' }).catch(() => undefined)
      await world.aws.objects.remove(key)
      await objectDropped(world.aws.services, { key, change: 'removed' })
      expect(await getAsset(world.aws.services, tenant, id)).toBeUndefined()
    },
  )

  test.each([0, 1, 2, 3, 4, 5])(
    'nor does one that was dropped again after it had been removed, when the run died at its write %i',
    async (writes) => {
      await drop(world.aws, 'one')
      await world.settle()
      await world.aws.objects.remove(key)
      await world.settle()
      await drop(world.aws, 'two')
      await objectDropped(dyingAt(world.aws, writes), { key, change: 'created' }).catch(() => undefined)
      await world.aws.objects.remove(key)
      await objectDropped(world.aws.services, { key, change: 'removed' })
      expect(await getAsset(world.aws.services, tenant, id)).toBeUndefined()
    },
  )

  test.each(['one', 'two'])('nor when the removal was dealt with while that run went on (%s)', async (text) => {
    const { services, objects } = world.aws
    await drop(world.aws, 'one')
    await world.settle()
    await objects.remove(key)
    await world.settle()
    await drop(world.aws, text)
    let isDead = false
    const put: typeof services.records.put = async (record, ...rest) => {
      if (isDead) throw new Error('the machine is gone')
      if (record.key.collection === 'assets') {
        await objects.remove(key)
        await objectDropped(services, { key, change: 'removed' })
        isDead = true
      }
      return services.records.put(record, ...rest)
    }
    const run = objectDropped({ ...services, records: { ...services.records, put } }, { key, change: 'created' })
    await run.catch(() => undefined)
    await objectDropped(services, { key, change: 'created' })
    expect(await getAsset(services, tenant, id)).toBeUndefined()
    await world.clock.advance(3_600_000)
    await objectDropped(services, { key, change: 'removed' })
    await restoreAsset(services, tenant, id, { precondition: { kind: 'none' } })
    await objectDropped(services, { key, change: 'removed' })
    expect(await getAsset(services, tenant, id)).toBeDefined()
  })

  test('an event that comes again does not bring back what a person deleted', async () => {
    await drop(world.azure, 'one')
    await world.settle()
    await deleteAsset(world.aws.services, tenant, id, { precondition: { kind: 'none' } })
    await world.settle()
    await objectDropped(world.azure.services, { key, change: 'created' })
    await objectDropped(world.azure.services, { key, change: 'removed' })
    await world.settle()
    expect(await getAsset(world.azure.services, tenant, id)).toBeUndefined()
  })

  test('removing the file at one site leaves the asset when the other site dropped a newer one', async () => {
    await drop(world.azure, 'from azure')
    await world.settle()
    await world.clock.advance(1_000)
    await drop(world.aws, 'from aws')
    await world.settle()
    await world.azure.objects.remove(key)
    await world.settle()
    expect(await contentOf(world.azure)).toBe('from aws')
    await world.aws.objects.remove(key)
    await world.settle()
    expect(await getAsset(world.azure.services, tenant, id)).toBeUndefined()
  })

  test('a slow run that saw the old file does not put it back over the new one', async () => {
    const { azure } = world
    const gate = Promise.withResolvers<void>()
    const { objects } = azure
    let looks = 0
    const slow = {
      ...azure.services,
      objects: {
        ...azure.objects,
        head: async (at: string) => {
          const info = await objects.head(at)
          if (++looks === 1) await gate.promise
          return info
        },
      },
    }
    await drop(azure, 'one')
    const first = objectDropped(slow, { key, change: 'created' })
    await drop(azure, 'two')
    await objectDropped(azure.services, { key, change: 'created' })
    const versionNow = (): unknown =>
      azure.records.all().find(({ key: of }) => of.collection === '_media')?.body?.['version']
    const version = versionNow()
    gate.resolve()
    await first
    expect(version).toBeDefined()
    expect(versionNow()).toBe(version)
    azure.events.length = 0
    await world.settle()
    expect(await contentOf(world.aws)).toBe('two')
  })

  test('a long conversion of the old file does not put it back over the new one', async () => {
    const { azure } = world
    const gate = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const converter: MediaConverter = {
      ...fakeConverter,
      convert: async (source, inspection, options) => {
        begun.resolve()
        await gate.promise
        return fakeConverter.convert(source, inspection, options)
      },
    }
    await drop(azure, 'one')
    azure.events.length = 0
    await objectDropped(azure.services, { key, change: 'created' })
    const message = azure.queue.receive()?.message
    if (!message) throw new Error('no job')
    const signal = new AbortController().signal
    const long = runJob(azure.services, { ...azure.work, converter }, message, signal)
    await begun.promise
    await drop(azure, 'two')
    await world.settle()
    gate.resolve()
    await long
    expect(await contentOf(azure)).toBe('two')
    await world.settle()
    await world.pass(3)
    expect(await contentOf(world.aws)).toBe('two')
    expect(await getAsset(world.aws.services, tenant, id)).toMatchObject({ status: 'ready', bytesHere: true })
  })

  test('a job whose message got lost is sent again', async () => {
    await drop(world.azure, 'one')
    const event = world.azure.events.shift()
    if (event) await objectDropped(world.azure.services, event)
    world.azure.queue.receive()?.acknowledge()
    await world.settle()
    expect(await getAsset(world.azure.services, tenant, id)).toMatchObject({ status: 'uploaded' })
    await world.pass(3)
    expect(await getAsset(world.aws.services, tenant, id)).toMatchObject({ status: 'ready', bytesHere: true })
  })

  test.each([1, 2, 3, 4, 5])(
    'a storm of writes with events late, doubled and mixed up ends as the store is (%i)',
    async (seed) => {
      const random = memoryRandom(seed)
      const pick = (many: number): number => Math.floor(random.fraction() * many)
      const { azure } = world
      for (let n = 0; n < 30; n++) {
        if (pick(4) === 0) await azure.objects.remove(key)
        else await drop(azure, `version ${pick(5)}`)
        await world.clock.advance(pick(3) * 500)
        const waiting = azure.events.splice(0).sort(() => random.fraction() - 0.5)
        const now = waiting.slice(0, pick(3))
        azure.events.push(...waiting.slice(now.length), ...now.filter(() => pick(2) === 0))
        await Promise.all(now.map((event) => objectDropped(azure.services, event)))
        if (pick(3) === 0) await world.settle()
      }
      const last = `the end ${seed}`
      await drop(azure, last)
      await world.settle()
      await world.pass(3)
      expect(await contentOf(azure)).toBe(last)
      expect(await contentOf(world.aws)).toBe(last)
      expect(await getAsset(world.aws.services, tenant, id)).toMatchObject({ status: 'ready', bytesHere: true })
    },
  )

  test.each([
    ['drop/t1/../t2/x.jpg', 'refused'],
    ['drop/t1/a//b.jpg', 'refused'],
    ['drop/t1/a/./b.jpg', 'refused'],
    ['drop/t1/a\\b.jpg', 'refused'],
    ['drop/t1/a\u0000b.jpg', 'refused'],
    ['drop/t1/a\u202e\u2028b.jpg', 'refused'],
    [`drop/t1/${'x'.repeat(1_025)}`, 'refused'],
    ['drop/t1/a\ud800.jpg', 'refused'],
    ['drop/_system/keys.json', 'refused'],
    ['drop/T1/x.jpg', 'refused'],
    ['drop//x.jpg', 'refused'],
    ['objects/t1/a/b', 'ignored'],
    ['drop/t1/x.jpg.part', 'ignored'],
    ['drop/t1/x.jpg.a1b2c3d4.partial', 'ignored'],
    ['drop/t1/.DS_Store', 'ignored'],
    ['drop/t1/.cache/x.jpg', 'ignored'],
    ['drop/t1/folder/', 'ignored'],
    ['drop/t1', 'ignored'],
    ['drop/t1/x.jpg~', 'ignored'],
  ])('%j is %s and nothing is made of it', async (bad, kind) => {
    expect(parseDropKey(bad).kind).toBe(kind)
    await objectDropped(world.azure.services, { key: bad, change: 'created' })
    await objectDropped(world.azure.services, { key: bad, change: 'created' })
    expect(world.azure.records.all()).toEqual([])
    const letters = await listDeadLetters(world.azure.services, { limit: 10 })
    expect(letters.items).toHaveLength(kind === 'refused' ? 1 : 0)
  })

  test('composed and decomposed names are one asset', () => {
    const [composed, decomposed] = ['caf\u00e9', 'cafe\u0301'].map((name) => parseDropKey(`drop/t1/${name}.jpg`))
    expect(composed).toEqual(decomposed)
  })

  test('two tenants with the same path have two assets', async () => {
    await drop(world.aws, 'mine', 'drop/t1/x.jpg')
    await drop(world.aws, 'theirs', 'drop/t2/x.jpg')
    await world.settle()
    const [one, other] = await Promise.all(
      ['t1', 't2'].map((name) => listAssets(world.azure.services, name, {}, { limit: 10 })),
    )
    expect([one?.items.length, other?.items.length]).toEqual([1, 1])
    expect(one?.items[0]?.id).not.toBe(other?.items[0]?.id)
    expect(one?.items[0]?.sha256).not.toBe(other?.items[0]?.sha256)
  })
})
