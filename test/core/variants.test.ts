import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { createAssetFromBytes, getAsset } from '../../shared/core/assets.ts'
import { imagePolicyKey } from '../../shared/core/image-policy.ts'
import { readMedia, writeMedia } from '../../shared/core/media-store.ts'
import { writeRecord } from '../../shared/core/records.ts'
import { listVariant, ownVariants, variantsMax } from '../../shared/core/variant-records.ts'
import { imageOf } from '../../shared/core/variants.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import type { ImageParams } from '../../shared/domain/image-params.ts'
import { imagePolicyDefault } from '../../shared/domain/image-policy.ts'
import { mediaConverter } from '../../shared/media/converter.ts'
import type { MediaConverter } from '../../shared/ports/media-converter.ts'
import { faultsOf, ingestWorld, tenant, type IngestSite, type IngestWorld } from './ingest-world.ts'
import { lines, pagesPdf } from '../media/pdfs.ts'

const accepts = { avif: 'image/avif,image/webp,*/*', webp: 'image/webp,image/*', none: 'image/*' } as const
const real = mediaConverter({ ffmpeg: undefined })
let converted: string[] = []
let fail: (() => Error) | undefined
let isWhole = false
/** The real one; what was inspected has no renditions, which most of these tests don't look at. */
const converter: MediaConverter = {
  inspect: async (source, signal) => {
    const found = await real.inspect(source, signal)
    return isWhole ? found : { ...found, recipes: [] }
  },
  convert: async (source, inspection, work) => {
    converted.push(...inspection.recipes.map(({ name }) => name))
    if (fail) throw fail()
    return real.convert(source, inspection, work)
  },
}

let world: IngestWorld
let folder: string
beforeEach(async () => {
  converted = []
  fail = undefined
  isWhole = false
  folder = await mkdtemp(join(tmpdir(), 'variants-'))
  world = await ingestWorld({ converter })
})
afterEach(async () => {
  await world.close()
  await rm(folder, { recursive: true })
})

/** Left half red, right half blue, unless told otherwise. */
async function upload(id: string, colours: readonly [string, string] = ['#e02020', '#2020e0']): Promise<void> {
  const half = (background: string) => ({ create: { width: 120, height: 160, channels: 3 as const, background } })
  const bytes = await sharp({ ...half(colours[0]), create: { ...half(colours[0]).create, width: 240 } })
    .composite([{ input: half(colours[1]), left: 120, top: 0 }])
    .removeAlpha()
    .png()
    .toBuffer()
  await createAssetFromBytes(world.aws.services, tenant, { id, name: `${id}.png`, mediaType: 'image/png' }, bytes)
  await world.settle()
}

const ask = (site: IngestSite, params: ImageParams, accept: string = accepts.webp, asset = 'photo') =>
  imageOf(site.services, { tenant, asset, params, accept })

/** Asks until it is made, and opens it. */
async function made(params: ImageParams, accept: string = accepts.webp, asset = 'photo') {
  await ask(world.aws, params, accept, asset).catch(() => undefined)
  await world.settle()
  const { place, mediaType } = await ask(world.aws, params, accept, asset)
  const stored = await world.aws.objects.get(place.info.objectKey)
  const path = join(folder, String(Math.random()))
  await writeFile(path, Buffer.from(await new Response(stored?.stream).arrayBuffer()))
  const header = await sharp(path, { animated: true }).metadata()
  const { data, info } = await sharp(path).raw().toBuffer({ resolveWithObject: true })
  const at = (fx: number, fy: number): number[] => {
    const start = (Math.floor(info.height * fy) * info.width + Math.floor(info.width * fx)) * info.channels
    return [...data.subarray(start, start + 3)]
  }
  return { place, mediaType, header, at, key: place.info.objectKey }
}

test('a preset that was prepared is there at once, also of an asset that shares the bytes of another', async () => {
  const params = { w: 50 }
  const policy = { ...imagePolicyDefault, presets: { thumb: params }, prepare: ['thumb'] }
  const key = imagePolicyKey(tenant, 'default')
  await writeRecord(world.aws.services, key, { precondition: { kind: 'none' } }, () => policy)
  isWhole = true
  for (const id of ['photo', 'again']) await upload(id)
  expect(await readMedia(world.aws.services, tenant, 'again')).toEqual(
    expect.objectContaining({ renditions: (await readMedia(world.aws.services, tenant, 'photo'))?.renditions }),
  )
  for (const site of [world.aws, world.azure]) {
    for (const asset of ['photo', 'again']) {
      const { place, mediaType } = await imageOf(site.services, {
        tenant,
        asset,
        params,
        preset: 'thumb',
        accept: accepts.webp,
      })
      expect([mediaType, place.kind]).toEqual(['image/webp', 'redirect'])
      expect(await site.objects.head(place.info.objectKey)).toMatchObject({ bytes: place.info.bytes })
    }
  }
  expect(converted.filter((name) => name.startsWith('preset-thumb-webp'))).toHaveLength(1)
})

test('an image is made when it is first asked for, once, and is then at both sites', async () => {
  await upload('photo')
  const asked = await Promise.allSettled(Array.from({ length: 5 }, () => ask(world.aws, { w: 60 })))
  for (const each of asked) expect(each).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } })
  await world.settle()
  expect(converted).toHaveLength(1)
  const { place } = await ask(world.aws, { w: 60 })
  expect(place.kind).toBe('redirect')
  const there = await ask(world.azure, { w: 60 })
  expect([there.place.kind, there.place.info.objectKey]).toEqual(['redirect', place.info.objectKey])
  await world.settle()
  expect(converted).toHaveLength(1)
  expect(faultsOf(world)).toEqual([])
})

test('both sites that make the same make the same bytes, and nothing is in conflict', async () => {
  await upload('photo')
  await Promise.allSettled([
    ask(world.aws, { w: 50, h: 50, crop: 'smart' }),
    ask(world.azure, { w: 50, h: 50, crop: 'smart' }),
  ])
  await world.settle()
  const [aws, azure] = await Promise.all([
    ask(world.aws, { w: 50, h: 50, crop: 'smart' }),
    ask(world.azure, { w: 50, h: 50, crop: 'smart' }),
  ])
  expect(aws.place.info).toEqual(azure.place.info)
  expect(world.aws.records.all().some(({ key }) => key.collection === '_conflicts')).toBe(false)
  expect(faultsOf(world)).toEqual([])
})

test('a PDF is shown by its first page, in any size', async () => {
  const red = pagesPdf({ pages: ['1 0 0 rg 0 0 300 842 re f', lines('b')], size: [600, 842] })
  await createAssetFromBytes(
    world.aws.services,
    tenant,
    { id: 'letter', name: 'a.pdf', mediaType: 'application/pdf' },
    red,
  )
  await world.settle()
  const { header, at } = await made({ w: 300, h: 300, crop: 'centre' }, accepts.webp, 'letter')
  expect(header).toMatchObject({ format: 'webp', width: 300, height: 300, hasAlpha: false })
  expect([at(0.25, 0.5), at(0.75, 0.5)].map((colour) => colour.map((value) => value > 200))).toEqual([
    [true, false, false],
    [true, true, true],
  ])
  await upload('photo')
  await expect(ask(world.aws, { w: 60, watermark: 'letter' })).rejects.toMatchObject({ code: 'invalid-media' })
  expect(faultsOf(world)).toEqual([])
}, 30_000)

test('the format follows Accept, and each has bytes of its own', async () => {
  await upload('photo')
  const found = []
  for (const accept of Object.values(accepts)) found.push(await made({ w: 40 }, accept))
  expect(found.map(({ mediaType }) => mediaType)).toEqual(['image/avif', 'image/webp', 'image/jpeg'])
  expect(new Set(found.map(({ key }) => key)).size).toBe(3)
  expect((await made({ w: 40 }, 'image/avif;q=0, image/webp;q=0.0')).mediaType).toBe('image/jpeg')
  expect((await made({ w: 40, format: 'png' }, accepts.avif)).header.format).toBe('png')
})

test('size, fit, dpr, crop and quality are as asked, and nothing is enlarged', async () => {
  await upload('photo')
  const sizes = async (params: ImageParams): Promise<unknown[]> => {
    const { header } = await made(params)
    return [header.width, header.height]
  }
  expect(await sizes({ w: 60 })).toEqual([60, 40])
  expect(await sizes({ h: 40 })).toEqual([60, 40])
  expect(await sizes({ w: 60, h: 60 })).toEqual([60, 40])
  expect(await sizes({ w: 60, h: 60, fit: 'cover' })).toEqual([60, 60])
  expect(await sizes({ w: 60, dpr: 2 })).toEqual([120, 80])
  expect(await sizes({ w: 4000 })).toEqual([240, 160])
  expect(await sizes({})).toEqual([240, 160])
  await expect(ask(world.aws, { w: 3000, dpr: 2 })).rejects.toMatchObject({ code: 'invalid-request' })
  const [fine, coarse] = [await made({ w: 200, q: 95 }), await made({ w: 200, q: 20 })]
  expect(fine.place.info.bytes).toBeGreaterThan(coarse.place.info.bytes)
})

test('blur softens an edge, a watermark shows where it was put', async () => {
  await upload('photo')
  await upload('logo', ['#20e020', '#20e020'])
  const sharpEdge = (await made({ w: 240, q: 95 })).at(0.48, 0.5)
  const blurred = (await made({ w: 240, q: 95, blur: 12 })).at(0.48, 0.5)
  expect([sharpEdge[2] ?? 0, blurred[2] ?? 0].map((blue) => blue > 60)).toEqual([false, true])
  const marked = await made({ w: 240, q: 95, watermark: 'logo,northwest,100,30' })
  const [, green = 0] = marked.at(0.1, 0.1)
  const [, none = 255] = marked.at(0.9, 0.9)
  expect([green > 190, none < 60]).toEqual([true, true])
  const thin = (await made({ w: 240, q: 95, watermark: 'logo,northwest,40,30' })).at(0.1, 0.1)
  expect([(thin[1] ?? 0) > 60, (thin[0] ?? 0) > 90]).toEqual([true, true])
  await expect(ask(world.aws, { w: 9, watermark: 'nothing' })).rejects.toMatchObject({ code: 'not-found' })
})

test('an animation stays one in WebP and shows its first frame in the others', async () => {
  const data = Buffer.concat([60, 120, 180].map((grey) => Buffer.alloc(80 * 60 * 3, grey)))
  const gif = await sharp(data, { raw: { width: 80, height: 180, channels: 3, pageHeight: 60 } })
    .gif({ delay: [50, 60, 70] })
    .toBuffer()
  await createAssetFromBytes(world.aws.services, tenant, { id: 'moving', name: 'm.gif', mediaType: 'image/gif' }, gif)
  await world.settle()
  const webp = await made({ w: 40 }, accepts.avif, 'moving')
  expect([webp.mediaType, webp.header.pages, webp.header.pageHeight]).toEqual(['image/webp', 3, 30])
  expect(webp.header.delay).toEqual([50, 60, 70])
  const still = await made({ w: 40, format: 'avif' }, '', 'moving')
  expect([still.header.pages ?? 1, still.header.width, still.header.height]).toEqual([1, 40, 30])
  const blurred = await made({ w: 40, blur: 2 }, accepts.avif, 'moving')
  expect([blurred.mediaType, blurred.header.pages ?? 1]).toEqual(['image/webp', 1])
})

test('new bytes make new images, and the list keeps none of the old', async () => {
  await upload('photo')
  const before = await made({ w: 60 })
  await writeMedia(world.aws.services, tenant, 'photo', (media) => media && { ...media, sha256: '0'.repeat(64) })
  await expect(ask(world.aws, { w: 60 })).rejects.toMatchObject({ code: 'unavailable' })
  await listVariant(
    world.aws.services,
    { tenant, asset: 'photo', id: 'x' },
    { id: 'x', source: '1', error: { code: 'a', detail: '' } },
  )
  expect((await ownVariants(world.aws.services, { tenant, asset: 'photo', id: '' })).map(({ id }) => id)).toEqual(['x'])
  expect(await world.aws.objects.head(before.key)).toBeDefined()
})

test('no more than a bounded number is made of one image', async () => {
  await upload('photo')
  const { services } = world.aws
  const source = (await readMedia(services, tenant, 'photo'))?.sha256 ?? ''
  for (let n = 0; n < variantsMax; n++) {
    const id = `v${n}`
    expect(
      await listVariant(services, { tenant, asset: 'photo', id }, { id, source, error: { code: 'x', detail: '' } }),
    ).toBe(true)
  }
  await expect(ask(world.aws, { w: 61 })).rejects.toMatchObject({ code: 'conflict' })
  const one = { id: 'v999', source, error: { code: 'x', detail: '' } }
  expect(await listVariant(services, { tenant, asset: 'photo', id: 'v999' }, one)).toBe(false)
  await world.settle()
  expect(converted).toEqual([])
})

test('what cannot be made is said at once from then on', async () => {
  await upload('photo')
  fail = () => new CatamaranError('invalid-media', 'The picture ends in the middle.')
  await ask(world.aws, { w: 60 }).catch(() => undefined)
  await world.settle()
  for (const site of [world.aws, world.azure]) {
    await expect(ask(site, { w: 60 })).rejects.toMatchObject({ code: 'invalid-media', message: /middle/ })
  }
  await world.settle()
  expect(converted).toHaveLength(1)
})

test('a run that breaks down names nothing, and the next one makes it', async () => {
  await upload('photo')
  fail = () => new TypeError('x is not a function')
  await ask(world.aws, { w: 60 }).catch(() => undefined)
  await world.settle()
  expect(await ownVariants(world.aws.services, { tenant, asset: 'photo', id: '' })).toEqual([])
  fail = undefined
  await world.pass(1)
  expect((await ask(world.aws, { w: 60 })).place.kind).toBe('redirect')
})

test('a message that got lost is sent again to whoever still asks', async () => {
  await upload('photo')
  await ask(world.aws, { w: 60 }).catch(() => undefined)
  world.aws.queue.receive()?.acknowledge()
  await ask(world.aws, { w: 60 }).catch(() => undefined)
  await world.settle()
  expect(converted).toHaveLength(0)
  await world.clock.advance(30_000)
  await ask(world.aws, { w: 60 }).catch(() => undefined)
  await world.settle()
  expect(converted).toHaveLength(1)
})

test('only what is ready and an image can be shown', async () => {
  const text = Buffer.from('hello, this is a letter\n')
  await createAssetFromBytes(world.aws.services, tenant, { id: 'letter', name: 'a', mediaType: 'text/plain' }, text)
  await expect(ask(world.aws, {}, '', 'letter')).rejects.toMatchObject({ code: 'conflict' })
  await world.settle()
  expect((await getAsset(world.aws.services, tenant, 'letter'))?.status).toBe('ready')
  await expect(ask(world.aws, {}, '', 'letter')).rejects.toMatchObject({ code: 'invalid-media' })
  await expect(ask(world.aws, {}, '', 'nothing')).rejects.toMatchObject({ code: 'not-found' })
})
