import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { deleteAsset, restoreAsset } from '../../shared/core/assets.ts'
import { writeMedia } from '../../shared/core/media-store.ts'
import { writeRecord } from '../../shared/core/records.ts'
import { sharersMax } from '../../shared/core/sharers.ts'
import { sha256Hex } from '../../shared/domain/hash.ts'
import type { JsonObject } from '../../shared/domain/json.ts'
import { contentsKey, sharersKey } from '../../shared/domain/shared-bytes.ts'
import { recordCalls } from './calls.ts'
import { faultsOf, tenant, type IngestSite } from './ingest-world.ts'
import { runNext } from './operation-world.ts'
import {
  bring,
  donorOf,
  keysOf,
  mediaOf,
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

async function brought(site: IngestSite, id: string, bytes: Uint8Array = picture, of = tenant): Promise<void> {
  await bring(site, id, bytes, of)
  await world.settle()
}

/** Brings the donor `a` at AWS, changes something, brings `b` of the same bytes: of whom does `b` name objects? */
async function donorAfter(change: () => Promise<unknown>, site: IngestSite = world.aws): Promise<string[]> {
  await brought(world.aws, 'a')
  await change()
  await brought(site, 'b')
  expect(await viewOf(site, 'b')).toMatchObject({ status: 'ready', bytesHere: true })
  return donorOf(site, 'b')
}

const [shared, anew] = [[`${tenant}/a`], [`${tenant}/b`]]

describe('equal bytes', () => {
  test('are stored and converted once, at whichever site they come in', async () => {
    await brought(world.aws, 'a')
    const stored = storedKeys(world.aws)
    await brought(world.aws, 'b')
    await brought(world.azure, 'c')
    expect(world.conversions()).toBe(1)
    for (const site of [world.aws, world.azure]) {
      expect(storedKeys(site)).toEqual(stored)
      for (const id of ['a', 'b', 'c']) {
        expect(await keysOf(site, id)).toEqual(stored)
        expect(await viewOf(site, id)).toMatchObject({ status: 'ready', bytesHere: true })
        expect(await textOf(site, id)).toBe(picture.toString())
        expect(await textOf(site, id, 'small')).toBe(`small:${picture.toString()}`)
      }
      expect(await sharersAt(site, 'a', world.aws)).toEqual(['b'])
      expect(await sharersAt(site, 'a', world.azure)).toEqual(['c'])
    }
    expect(faultsOf(world)).toEqual([])
  })

  test('that come in at both sites at once are stored by both, and whatever comes later shares one of the two', async () => {
    await bring(world.aws, 'a')
    await bring(world.azure, 'b')
    for (const site of [world.aws, world.azure]) await runNext(site)
    await world.settle()
    expect([await donorOf(world.aws, 'a'), await donorOf(world.aws, 'b')]).toEqual([[`${tenant}/a`], [`${tenant}/b`]])
    await brought(world.azure, 'c')
    expect(shared.concat(anew)).toContain((await donorOf(world.azure, 'c'))[0])
    expect(world.conversions()).toBe(2)
    expect(faultsOf(world)).toEqual([])
  })

  test('of two jobs at once at one site are stored by both', async () => {
    await Promise.all([bring(world.aws, 'a'), bring(world.aws, 'b')])
    await world.settle()
    expect(faultsOf(world)).toEqual([])
  })

  test('a job that comes twice changes nothing', async () => {
    await brought(world.aws, 'a')
    await bring(world.aws, 'b')
    const message = world.aws.queue.receive()?.message
    if (!message) throw new Error('no job')
    await world.aws.services.jobs.send(message)
    await world.aws.services.jobs.send(message)
    await world.settle()
    expect(await donorOf(world.aws, 'b')).toEqual(shared)
    expect(await sharersAt(world.aws, 'a')).toEqual(['b'])
  })
})

describe('are stored anew', () => {
  test('when nothing stands against sharing, they are not', async () => {
    expect(await donorAfter(async () => {})).toEqual(shared)
  })

  test('while the donor is deleted; restored, it is one again', async () => {
    const { services } = world.aws
    expect(await donorAfter(() => deleteAsset(services, tenant, 'a', none))).toEqual(anew)
    await restoreAsset(services, tenant, 'a', none)
    await deleteAsset(services, tenant, 'b', none)
    await brought(world.aws, 'c')
    expect(await donorOf(world.aws, 'c')).toEqual(shared)
  })

  test('when something else is made of them by now', async () => {
    expect(await donorAfter(async () => (world.recipeVersion = 2))).toEqual(anew)
    await brought(world.aws, 'c')
    expect(await donorOf(world.aws, 'c')).toEqual(anew)
  })

  test('when the donor is not ready', async () => {
    const fail = () => writeMedia(world.aws.services, tenant, 'a', (media) => media && { ...media, status: 'failed' })
    expect(await donorAfter(fail)).toEqual(anew)
  })

  test('when the donor was made before there were prints', async () => {
    const strip = () =>
      writeMedia(world.aws.services, tenant, 'a', (media) => {
        if (!media) return undefined
        const { print: _, ...rest } = media
        return rest
      })
    expect(await donorAfter(strip)).toEqual(anew)
  })

  test.each([0, 1, 2])('when this site does not have object %i of the donor, or not whole', async (index) => {
    const { objects } = world.aws
    const change =
      (to: (each: ReturnType<typeof objects.all>[number]) => ReturnType<typeof objects.all>) => async () => {
        const key = (await keysOf(world.aws, 'a'))[index]
        objects.load(objects.all().flatMap((each) => (each.info.key === key ? to(each) : [each])))
      }
    expect(await donorAfter(change(() => []))).toEqual(anew)
    const short = change(({ info, bytes }) => [{ info: { ...info, bytes: 3 }, bytes: bytes.subarray(0, 3) }])
    await short()
    await brought(world.azure, 'other', Buffer.from('other bytes'))
    const misnamed = change(({ info, bytes }) => [{ info: { ...info, metadata: { sha256: 'x' } }, bytes }])
    await misnamed()
    await deleteAsset(world.aws.services, tenant, 'b', none)
    await brought(world.aws, 'c')
    expect(await donorOf(world.aws, 'c')).toEqual([`${tenant}/c`])
  })

  test('when the objects of the donor have not come to this site yet', async () => {
    const { work } = world.azure
    const { fetch } = work
    Object.assign(work, { fetch: () => Promise.reject(new TypeError('fetch failed')) })
    await brought(world.aws, 'a')
    expect(await viewOf(world.azure, 'a')).toMatchObject({ status: 'ready', bytesHere: false })
    await brought(world.azure, 'b')
    expect(await donorOf(world.azure, 'b')).toEqual(anew)
    Object.assign(work, { fetch })
    await world.pass(3)
    expect(faultsOf(world)).toEqual([])
    await brought(world.azure, 'c')
    expect([...shared, ...anew]).toContain((await donorOf(world.azure, 'c'))[0])
  })

  test('past a hundred sharers, and that one is a donor in turn', async () => {
    await brought(world.aws, 'a')
    const full = { asset: 'a', site: 'aws', sharers: Array.from({ length: sharersMax }, (_, n) => `s${n}`) }
    await writeRecord(world.aws.services, sharersKey(tenant, 'a', 'aws'), none, () => full)
    await brought(world.aws, 'b')
    expect(await donorOf(world.aws, 'b')).toEqual(anew)
    await brought(world.aws, 'c')
    expect(await donorOf(world.aws, 'c')).toEqual(anew)
    expect(await sharersAt(world.aws, 'a')).toEqual(full.sharers)
  })

  test('when another tenant has them: nobody can tell from what is done, and in which order, that it does', async () => {
    const callsAfter = async (bytes: Uint8Array): Promise<string[]> => {
      await world.close()
      world = await sharingWorld()
      for (const id of ['b', 'c']) await brought(world.aws, id, bytes)
      await bring(world.aws, 'b', picture, 't2')
      const calls = recordCalls(world.aws.services)
      await world.settle()
      return calls.end()
    }
    const before = await callsAfter(Buffer.from('of the same length.'))
    const after = await callsAfter(picture)
    expect(after).toEqual(before)
    expect(after.length).toBeGreaterThan(20)
    expect(await donorOf(world.aws, 'b', 't2')).toEqual(['t2/b'])
    expect(world.conversions()).toBe(2)
  })
})

describe('what a note says is a hint', () => {
  const sha256 = sha256Hex(picture)
  const note = (assets: string[]) =>
    writeRecord(world.aws.services, contentsKey(tenant, sha256, 'azure'), none, () => ({
      sha256,
      site: 'azure',
      assets,
    }))
  const change = (id: string, to: JsonObject) =>
    writeMedia(world.aws.services, tenant, id, (media) => media && { ...media, ...to })

  test('an asset of other bytes is no donor, whatever the note says of it', async () => {
    await brought(world.aws, 'x', Buffer.from('other bytes'))
    await note(['x', 'nobody'])
    await brought(world.aws, 'b')
    expect(await donorOf(world.aws, 'b')).toEqual(anew)
  })

  test('nor is one whose record claims the digest for an object of another name', async () => {
    await brought(world.aws, 'x', Buffer.from('other bytes'))
    const { print } = await mediaOf(world.aws, 'x')
    await brought(world.aws, 'y')
    await deleteAsset(world.aws.services, tenant, 'y', none)
    const { bytes = 0, crc64nvme = '' } = await mediaOf(world.aws, 'y')
    await change('x', { sha256, bytes, crc64nvme, print: print ?? '' })
    await note(['x'])
    await brought(world.aws, 'b')
    expect(await donorOf(world.aws, 'b')).toEqual(anew)
  })

  test('nor one that names objects of another asset, or of another tenant', async () => {
    await brought(world.aws, 'a')
    await brought(world.aws, 'x')
    expect(await donorOf(world.aws, 'x')).toEqual(shared)
    await deleteAsset(world.aws.services, tenant, 'a', none)
    await note(['x'])
    await brought(world.aws, 'b')
    expect(await donorOf(world.aws, 'b')).toEqual(anew)
  })

  test('a donor that is named twice, or is the asset itself, does no harm', async () => {
    await brought(world.aws, 'a')
    await note(['a', 'b', 'a', 'b'])
    await brought(world.aws, 'b')
    expect(await donorOf(world.aws, 'b')).toEqual(shared)
  })
})
