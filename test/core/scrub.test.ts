import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { deleteAsset, getAsset } from '../../shared/core/assets.ts'
import { markDirty } from '../../shared/core/dirty-buckets.ts'
import { scanDrops } from '../../shared/core/drop-scan.ts'
import { objectDropped } from '../../shared/core/drops.ts'
import { reconcile } from '../../shared/core/reconcile.ts'
import { readMark, replicationPartition } from '../../shared/core/replication-marks.ts'
import { scrub } from '../../shared/core/scrub.ts'
import { derivedId } from '../../shared/domain/hash.ts'
import { ingestWorld, tenant, type IngestSite, type IngestWorld } from './ingest-world.ts'

const path = 'in/boat.jpg'
const key = `drop/${tenant}/${path}`
const id = derivedId('drop', tenant, path)
const scrubRuns = 1024
const hourMs = 3_600_000

describe('what no event told of', () => {
  let world: IngestWorld
  beforeEach(async () => {
    world = await ingestWorld()
  })
  afterEach(() => world.close())

  const drop = (site: IngestSite, text: string) => site.objects.put(key, Buffer.from(text), { mediaType: 'image/jpeg' })
  const wholeCycle = async (site: IngestSite): Promise<void> => {
    for (let run = 0; run < scrubRuns; run++) await scrub(site.services)
  }

  test('a dropped file is found by the walk through the drop area, once it is old enough and not twice', async () => {
    await drop(world.azure, 'one')
    world.azure.events.length = 0
    expect(await scanDrops(world.azure.services)).toBe(0)
    await world.clock.advance(2 * hourMs)
    expect(await scanDrops(world.azure.services)).toBe(1)
    await world.settle()
    expect(await getAsset(world.aws.services, tenant, id)).toMatchObject({ status: 'ready', bytesHere: true })
    await world.clock.advance(2 * hourMs)
    expect(await scanDrops(world.azure.services)).toBe(0)
    await drop(world.azure, 'two')
    world.azure.events.length = 0
    await world.clock.advance(2 * hourMs)
    expect(await scanDrops(world.azure.services)).toBe(1)
  })

  test('what a person deleted stays deleted, though its file is still there', async () => {
    await drop(world.azure, 'one')
    await world.settle()
    await deleteAsset(world.aws.services, tenant, id, { precondition: { kind: 'none' } })
    await world.settle()
    await world.clock.advance(2 * hourMs)
    expect(await scanDrops(world.azure.services)).toBe(0)
    await wholeCycle(world.azure)
    await world.settle()
    expect(await getAsset(world.azure.services, tenant, id)).toBeUndefined()
  })

  test('a walk goes on where it was, a page at a time', async () => {
    for (let n = 0; n < 1_500; n++) {
      await world.aws.objects.put(`drop/${tenant}/many/${String(n).padStart(4, '0')}.bin`, Buffer.from(String(n)), {
        mediaType: 'application/octet-stream',
      })
    }
    world.aws.events.length = 0
    await world.clock.advance(hourMs)
    expect(await scanDrops(world.aws.services)).toBe(1_000)
    expect(await scanDrops(world.aws.services)).toBe(500)
    expect(await scanDrops(world.aws.services)).toBe(0)
  })

  test('a share lies inside one page of the tree and is read in one walk, whatever left the mark', async () => {
    const { services } = world.azure
    const scans = jest.spyOn(services.records, 'scanBuckets')
    await services.siteStore.put(
      { partition: replicationPartition, id: 'scrub', value: { next: 1_021 } },
      { kind: 'any' },
    )
    await scrub(services)
    expect(scans.mock.calls.map(([buckets]) => buckets)).toEqual([{ first: 1_008, last: 1_023 }])
    expect(await readMark(services, 'scrub')).toMatchObject({ next: 1_024 })
  })

  test('a file that was removed takes its asset along within one scrub cycle', async () => {
    await drop(world.azure, 'one')
    await world.settle()
    await world.azure.objects.remove(key)
    world.azure.events.length = 0
    await wholeCycle(world.azure)
    await world.settle()
    for (const site of [world.aws, world.azure]) expect(await getAsset(site.services, tenant, id)).toBeUndefined()
  })

  test.each(['before', 'after'] as const)(
    'so does one that was being taken in by a run that died %s any write of a record, when nothing tells of it any more',
    async (when) => {
      for (let write = 1; write <= 6; write++) {
        const { services, objects, events, records } = world.aws
        const [file, asset] = [`drop/${tenant}/${write}.jpg`, derivedId('drop', tenant, `${write}.jpg`)]
        let left = write
        const put: typeof records.put = async (...args) => {
          if (--left > 0) return records.put(...args)
          if (left === 0 && when === 'after') await records.put(...args)
          throw new Error('the machine is gone')
        }
        await objects.put(file, Buffer.from('one'), { mediaType: 'image/jpeg' })
        const dying = { ...services, records: { ...services.records, put } }
        await objectDropped(dying, { key: file, change: 'created' }).catch(() => undefined)
        await objects.remove(file)
        events.length = 0
        await wholeCycle(world.aws)
        await world.settle()
        for (const site of [world.aws, world.azure]) {
          expect([write, await getAsset(site.services, tenant, asset)]).toEqual([write, undefined])
        }
      }
    },
  )

  test('the copy of an object is begun though the mark of another record had its bucket read again', async () => {
    await drop(world.aws, 'one')
    let media = world.azure.records.all().find((record) => record.key.collection === '_media')
    for (let turns = 0; !media && turns < 100; turns++) {
      await world.settle()
      media = world.azure.records.all().find((record) => record.key.collection === '_media')
    }
    if (!media) throw new Error('the media record did not arrive')
    // As if neither the event of this record nor what it began had ever been.
    await world.azure.objects.remove(media.body?.['objectKey'] as string)
    for (const item of world.azure.siteStore.all()) {
      if (/^(missing|here)/.test(item.partition)) await world.azure.services.siteStore.remove(item.partition, item.id)
    }
    await markDirty(world.azure.services, [media])
    await world.clock.advance(60_000)
    await reconcile(world.azure.services)
    await wholeCycle(world.azure)
    await world.pass(2)
    expect(await getAsset(world.azure.services, tenant, id)).toMatchObject({ status: 'ready', bytesHere: true })
  })
})
