import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { createAssetFromBytes, getAsset } from '../../shared/core/assets.ts'
import { openContent } from '../../shared/core/content.ts'
import { mediaConverter } from '../../shared/media/converter.ts'
import { faultsOf, ingestWorld, tenant, type IngestWorld } from './ingest-world.ts'

let world: IngestWorld
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'renditions-'))
  world = await ingestWorld({ converter: mediaConverter({ ffmpeg: undefined }) })
})
afterAll(async () => {
  await world.close()
  await rm(folder, { recursive: true })
})

test('a real picture is converted at one site and can be read in all sizes at the other', async () => {
  const gradient = Buffer.from(Array.from({ length: 700 * 500 * 3 }, (_, n) => (n * 7) % 256))
  const png = await sharp(gradient, { raw: { width: 700, height: 500, channels: 3 } })
    .png()
    .toBuffer()
  const { asset } = await createAssetFromBytes(
    world.aws.services,
    tenant,
    { name: 'a.png', mediaType: 'image/png' },
    png,
  )
  await world.settle()
  const view = await getAsset(world.azure.services, tenant, asset.id)
  expect(view).toMatchObject({ status: 'ready', kind: 'image', mediaType: 'image/png', bytesHere: true })
  expect(view?.renditions.length).toBeGreaterThanOrEqual(2)
  for (const rendition of view?.renditions ?? []) {
    const found = await openContent(world.azure.services, tenant, asset.id, { rendition: rendition.name })
    if (found.kind !== 'here') throw new Error(found.kind)
    const bytes = Buffer.from(await new Response(found.body).arrayBuffer())
    expect(bytes.length).toBe(rendition.bytes)
    if (rendition.mediaType.startsWith('image/')) {
      // From a file: the converter takes the loaders for buffers away from the whole process.
      const file = join(folder, rendition.name)
      await writeFile(file, bytes)
      expect((await sharp(file).metadata()).width).toBe(rendition.properties['width'])
    }
  }
  expect(faultsOf(world)).toEqual([])
})

test('half a picture and a picture that is none fail with a reason', async () => {
  const jpeg = await sharp({ create: { width: 400, height: 300, channels: 3, background: '#456' } })
    .jpeg()
    .toBuffer()
  for (const bytes of [
    jpeg.subarray(0, jpeg.length >> 1),
    Buffer.from(Array.from({ length: 500 }, (_, n) => (n * 37) % 256)),
  ]) {
    const input = { name: 'b.jpg', mediaType: 'image/jpeg' }
    const { asset } = await createAssetFromBytes(world.azure.services, tenant, input, bytes)
    await world.settle()
    const view = await getAsset(world.aws.services, tenant, asset.id)
    expect(view).toMatchObject({ status: 'failed', error: { code: 'invalid-media' } })
    expect(view?.error?.detail.length).toBeGreaterThan(10)
  }
})
