import { beforeEach, expect, test } from '@jest/globals'
import { listVariant } from '../../shared/core/variant-records.ts'
import { variantIdOf, wishOptions } from '../../shared/core/image-wish.ts'
import { writeRecord } from '../../shared/core/records.ts'
import { mediaKey, objectKeyOf, type MediaBody } from '../../shared/domain/asset.ts'
import { sha256Hex } from '../../shared/domain/hash.ts'
import type { ImageParams } from '../../shared/domain/image-params.ts'
import type { ImageFormat } from '../../shared/media/image-recipe.ts'
import { itemsOf, testClouds, textOf, type Answer, type TestClouds } from './fixture.ts'

const original = sha256Hex('original')
const browser = { accept: 'image/avif,image/webp,image/*' }
let clouds: TestClouds

beforeEach(async () => {
  clouds = await testClouds()
  await clouds.aws.call('POST', '/v1/assets', { json: { id: 'photo', name: 'a/boat.jpg', mediaType: 'image/jpeg' } })
  const media: MediaBody = {
    status: 'ready',
    version: 'v1',
    job: 'j1',
    site: 'aws',
    kind: 'image',
    mediaType: 'image/jpeg',
    sha256: original,
    objectKey: objectKeyOf('acme', 'photo', original),
    properties: { width: 900, height: 600, hasAlpha: false, thumbhash: 'x' },
    renditions: [],
  }
  await writeRecord(clouds.aws.services, mediaKey('acme', 'photo'), { precondition: { kind: 'none' } }, () => media)
  await clouds.sites.flush()
})

/** As the job leaves it. */
async function ready(params: ImageParams, format: ImageFormat): Promise<string> {
  const { services } = clouds.aws
  const id = variantIdOf(original, wishOptions(params, format, { hasAlpha: false, animated: false }))
  const bytes = Buffer.from(id)
  const sha256 = sha256Hex(bytes)
  const mediaType = `image/${format}`
  await services.objects.put(objectKeyOf('acme', 'photo', sha256), bytes, { mediaType })
  const facts = { mediaType, bytes: bytes.length, sha256, crc64nvme: '', properties: {} }
  await listVariant(services, { tenant: 'acme', asset: 'photo', id }, { id, source: original, ...facts })
  await clouds.sites.flush()
  return sha256
}

async function signed(image: unknown, expiresInSeconds = 60): Promise<string> {
  const answer = await clouds.aws.call('POST', '/v1/image-urls', {
    json: { asset: 'photo', images: [image], expiresInSeconds },
  })
  expect(answer.status).toBe(200)
  const url = new URL(textOf(itemsOf(answer)[0]?.['url']))
  return url.pathname + url.search
}

const anyone = (path: string, headers: Record<string, string> = browser): Promise<Answer> =>
  clouds.aws.call('GET', path, { key: undefined, headers })

test('a signed URL leads to the image in the best format, which its address names', async () => {
  const params = { w: 300, h: 200, crop: 'smart', q: 70, dpr: 1.5, blur: 0.75 } as const
  const [avif, jpeg] = [await ready(params, 'avif'), await ready(params, 'jpeg')]
  const url = await signed({ params })
  const best = await anyone(url)
  expect([best.status, best.headers.get('cache-control'), best.headers.get('vary')]).toEqual([
    307,
    'private, max-age=60',
    'Accept, Origin',
  ])
  const address = new URL(textOf(best.headers.get('location')))
  expect(address.pathname).toBe(`/objects/acme/photo/${avif}`)
  expect(address.searchParams.get('type')).toBe('image/avif')
  expect(address.searchParams.get('disposition')).toMatch(/^inline; filename="boat-image.avif"/)
  expect((await anyone(url, { accept: '*/*' })).headers.get('location')).toMatch(jpeg)
  // At the other site too, without a key of its own.
  expect((await clouds.azure.call('GET', url, { key: undefined, headers: browser })).headers.get('location')).toMatch(
    avif,
  )
})

test('an image that is not there yet is 503 that says when, kept by no cache', async () => {
  const answer = await anyone(await signed({ params: { w: 333 } }))
  expect([
    answer.status,
    answer.json['code'],
    answer.headers.get('retry-after'),
    answer.headers.get('cache-control'),
  ]).toEqual([503, 'unavailable', '2', 'no-store'])
})

test('whatever is changed in a signed URL makes it worthless', async () => {
  await ready({ w: 300 }, 'avif')
  const url = await signed({ params: { w: 300 } })
  expect((await anyone(url)).status).toBe(307)
  const changes: Record<string, string> = {
    w: '301',
    h: '9',
    q: '90',
    format: 'png',
    tenant: 'other',
    key: 'second',
    expires: '99999999999',
    signature: 'A'.repeat(94),
  }
  for (const [name, value] of Object.entries(changes)) {
    const changed = new URL(url, 'https://x.test')
    changed.searchParams.set(name, value)
    const answer = await anyone(changed.pathname + changed.search)
    expect([name, answer.status, answer.json['code']]).toEqual([name, 403, 'forbidden'])
  }
  for (const name of ['tenant', 'key', 'expires']) {
    const changed = new URL(url, 'https://x.test')
    changed.searchParams.delete(name)
    expect((await anyone(changed.pathname + changed.search)).status).toBe(401)
  }
  expect((await anyone(url.replace('/photo?', '/other?'))).status).toBe(403)
  expect((await anyone(url.replace('/photo?', '/photo/thumb?').replace('w=300&', ''))).status).toBe(403)
})

test('a signed URL ends at its time, and with its key', async () => {
  await ready({ w: 300 }, 'avif')
  const short = await signed({ params: { w: 300 } }, 30)
  const long = await signed({ params: { w: 300 } }, 3_000)
  expect((await anyone(short)).status).toBe(307)
  await clouds.sites.clock.advance(31_000)
  expect([(await anyone(short)).status, (await anyone(long)).status]).toEqual([403, 307])
  expect((await clouds.aws.call('POST', '/v1/image-keys')).status).toBe(201)
  const after = await signed({ params: { w: 300 } }, 3_000)
  expect([(await anyone(long)).status, (await anyone(after)).status]).toEqual([307, 307])
  const key = textOf(new URL(long, 'https://x.test').searchParams.get('key'))
  expect((await clouds.aws.call('DELETE', `/v1/image-keys/${key}`)).status).toBe(204)
  await clouds.sites.clock.advance(31_000)
  expect([(await anyone(long)).status, (await anyone(after)).status]).toEqual([403, 307])
  const listed = itemsOf(await clouds.aws.call('GET', '/v1/image-keys'))
  expect(listed.filter(({ revokedAt }) => revokedAt === undefined)).toHaveLength(1)
  expect((await clouds.aws.call('DELETE', '/v1/image-keys/nothing')).status).toBe(404)
})

test('a preset is shown to keys, by signature, and to everyone once its policy says so', async () => {
  const policy = '/v1/image-policies/default'
  const presets = { thumb: { w: 200, h: 200, fit: 'cover' } }
  await clouds.aws.call('PUT', policy, { json: { presets }, headers: { 'if-none-match': '*' } })
  const thumb = await ready({ w: 200, h: 200, fit: 'cover' }, 'avif')
  const path = '/v1/images/photo/thumb'
  const reader = await clouds.keyWith(['assets:read'])
  const own = await clouds.aws.call('GET', path, { key: reader, headers: browser })
  expect(own.headers.get('location')).toMatch(thumb)
  expect((await anyone(await signed({ preset: 'thumb' }))).headers.get('location')).toMatch(thumb)
  expect((await anyone(path)).status).toBe(401)
  const open = `${path}?tenant=acme`
  const hidden = await anyone(open)
  expect(hidden.status).toBe(401)
  for (const absent of [
    '/v1/images/photo/nope?tenant=acme',
    '/v1/images/nope/thumb?tenant=acme',
    `${path}?tenant=nobody`,
  ]) {
    const answer = await anyone(absent)
    expect([absent, { ...answer.json, instance: '' }]).toEqual([absent, { ...hidden.json, instance: '' }])
  }
  await clouds.aws.call('PUT', policy, { json: { presets, public: true }, headers: { 'if-match': '*' } })
  expect((await anyone(open)).headers.get('location')).toMatch(thumb)
  expect((await clouds.aws.call('GET', '/v1/images/photo/nope', { headers: browser })).status).toBe(404)
})

test('free parameters need the right to sign, also with a key', async () => {
  const avif = await ready({ w: 300 }, 'avif')
  const reader = await clouds.keyWith(['assets:read'])
  const path = '/v1/images/photo?w=300'
  expect((await clouds.aws.call('GET', path, { key: reader })).status).toBe(403)
  expect((await clouds.aws.call('GET', path, { headers: browser })).headers.get('location')).toMatch(avif)
  expect((await clouds.aws.call('GET', path, { key: clouds.keys.other })).status).toBe(404)
  const foreign = { json: { asset: 'photo', images: [{ params: {} }] }, key: clouds.keys.other }
  expect((await clouds.aws.call('POST', '/v1/image-urls', foreign)).status).toBe(404)
})

test.each([
  'w=0',
  'w=4097',
  'w=1e3',
  'h=-1',
  'q=101',
  'dpr=9',
  'dpr=1.234',
  'blur=0.1',
  'fit=fill',
  'crop=face',
  'format=bmp',
  'rotate=9',
  'watermark=..',
])('%s is refused', async (query) => {
  const answer = await clouds.aws.call('GET', `/v1/images/photo?${query}`)
  expect([answer.status, answer.json['code']]).toEqual([400, 'invalid-request'])
})
