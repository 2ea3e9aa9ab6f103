import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { completeUpload, createAsset, createAssetFromBytes, getAsset, listAssets } from '../../shared/core/assets.ts'
import type { Services } from '../../shared/core/services.ts'
import { partSizes } from '../../shared/core/upload-parts.ts'
import { sha256Hex } from '../../shared/domain/hash.ts'
import { ingestWorld, tenant, type IngestWorld } from './ingest-world.ts'

const photo = { name: 'boat.jpg', mediaType: 'image/jpeg' } as const

describe('what an asset may be', () => {
  let world: IngestWorld
  let services: Services
  beforeEach(async () => {
    world = await ingestWorld()
    services = world.aws.services
  })
  afterEach(() => world.close())

  test.each([
    [{ name: '' }, 'invalid-name'],
    [{ name: 'x'.repeat(1_025) }, 'invalid-name'],
    [{ name: 'a\ud800' }, 'invalid-name'],
    [{ id: 'UPPER' }, 'invalid-name'],
    [{ id: 'x'.repeat(59) }, 'invalid-name'],
    [{ mediaType: 'jpeg' }, 'invalid-request'],
    [{ bytes: 0 }, 'invalid-request'],
    [{ bytes: 1.5 }, 'invalid-request'],
    [{ bytes: 6 * 2 ** 40 }, 'too-large'],
    [{ sha256: 'abc' }, 'invalid-request'],
    [{ labels: { 'bad name': 'x' } }, 'invalid-name'],
    [{ labels: { a: 'x'.repeat(300) } }, 'invalid-name'],
    [{ upload: 'multipart' as const }, 'invalid-request'],
  ])('garbage %j is refused with %s and changes nothing that can be seen', async (wrong, code) => {
    await expect(createAsset(services, tenant, { ...photo, upload: 'single', ...wrong })).rejects.toMatchObject({
      code,
    })
    expect((await listAssets(services, tenant, {}, { limit: 10 })).items).toEqual([])
  })

  test('a file larger than the local disk is copied by the store, and never other bytes than those verified', async () => {
    Object.assign(world.aws.work, { workFileBytesMax: 4 })
    const whole = Buffer.from('the verified bytes')
    const { asset, upload } = await createAsset(services, tenant, { ...photo, upload: 'single' })
    if (upload.kind !== 'single') throw new Error(upload.kind)
    await world.aws.objects.fetch(upload.request.url, { method: 'PUT', body: whole })
    await completeUpload(services, tenant, asset.id)
    const copy = world.aws.objects.copy.bind(world.aws.objects)
    let copies = 0
    world.aws.objects.copy = async (from, to, options) => {
      copies += 1
      // The uploader's URL still works: other bytes, then the right ones again, with a copy in between.
      await world.aws.objects.fetch(upload.request.url, { method: 'PUT', body: Buffer.from('something else') })
      try {
        await copy(from, to, options)
      } finally {
        if (copies === 1) await world.aws.objects.fetch(upload.request.url, { method: 'PUT', body: whole })
      }
    }
    await world.settle()
    expect(copies).toBe(1)
    const objects = () => world.aws.objects.all().filter(({ info }) => info.key.startsWith('objects/'))
    expect(objects()).toEqual([])
    world.aws.objects.copy = copy
    await world.pass(3)
    expect(await getAsset(services, tenant, asset.id)).toMatchObject({ status: 'ready', sha256: sha256Hex(whole) })
    expect(objects().map(({ bytes }) => Buffer.from(bytes))).toEqual([whole])
  })

  test('a file that has no room on the disk beside what is made of it is kept, with a note', async () => {
    Object.assign(world.aws.work, { workDisk: async () => ({ totalBytes: 19, freeBytes: 19 }) })
    const bring = async (text: string) =>
      (await createAssetFromBytes(services, tenant, { ...photo, name: text }, Buffer.from(text))).asset.id
    const [small, large] = [await bring('a small picture'), await bring('a larger picture')]
    await world.settle()
    expect((await getAsset(services, tenant, small))?.renditions).toHaveLength(2)
    expect(await getAsset(services, tenant, large)).toMatchObject({
      status: 'ready',
      renditions: [],
      properties: { note: expect.stringMatching(/larger/) },
    })
  })

  test('while others have taken the room of the disk a file waits', async () => {
    const disk = { totalBytes: 1_000, freeBytes: 10 }
    Object.assign(world.aws.work, { workDisk: async () => disk })
    const { asset } = await createAssetFromBytes(services, tenant, photo, Buffer.from('a small picture'))
    await world.settle()
    expect((await getAsset(services, tenant, asset.id))?.status).toBe('uploaded')
    disk.freeBytes = 500
    await world.pass(3)
    expect((await getAsset(services, tenant, asset.id))?.renditions).toHaveLength(2)
  })

  test('parts grow so that the store can hold 5 TiB', () => {
    const supports = { copyFromUrl: false, partBytesMin: 5 * 2 ** 20, partBytesMax: 5 * 2 ** 30, partsMax: 10_000 }
    const sizes = partSizes({ objects: { ...services.objects, supports } }, 5 * 2 ** 40)
    expect(sizes.parts).toBeLessThanOrEqual(10_000)
    expect(sizes.parts * sizes.partBytes).toBeGreaterThanOrEqual(5 * 2 ** 40)
    expect(partSizes({ objects: { ...services.objects, supports } }, 1)).toEqual({ partBytes: 8 * 2 ** 20, parts: 1 })
    expect(() => partSizes({ objects: { ...services.objects, supports } }, 5 * 2 ** 40 + 1)).toThrow(
      `An upload in parts holds at most ${5 * 2 ** 40} bytes; this one has ${5 * 2 ** 40 + 1}.`,
    )
  })

  test.each([
    [30_000_000, 5 * 2 ** 20 - 1, '5242880 to 4194304000'],
    [2 ** 40, 2 ** 26, '109951163 to 4194304000'],
    [30_000_000, 4_000 * 2 ** 20 + 1, '5242880 to 4194304000'],
  ])('%d bytes are not cut into parts of %d: the answer says what would do', (bytes, partBytes, range) => {
    const supports = { copyFromUrl: false, partBytesMin: 1, partBytesMax: 4_000 * 2 ** 20, partsMax: 10_000 }
    expect(() => partSizes({ objects: { ...services.objects, supports } }, bytes, partBytes)).toThrow(range)
  })

  test('a client that cuts the file itself says how', async () => {
    const input = { ...photo, bytes: 13_000_000, upload: 'multipart', partBytes: 6_000_000 } as const
    const { upload } = await createAsset(services, tenant, input)
    expect(upload).toMatchObject({ kind: 'multipart', partBytes: 6_000_000, parts: 3 })
  })
})
