import type { JsonWebKey } from 'node:crypto'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { listVariant } from '../../shared/core/variant-records.ts'
import { variantIdOf, wishOptions } from '../../shared/core/image-wish.ts'
import { writeRecord } from '../../shared/core/records.ts'
import { mediaKey, objectKeyOf, type MediaBody } from '../../shared/domain/asset.ts'
import { sha256Hex } from '../../shared/domain/hash.ts'
import { packSegments } from '../../shared/domain/segments.ts'
import { peerOf, sites, type Site } from '../../shared/domain/site.ts'
import { seal } from '../../shared/http/sealed-text.ts'
import { siteSigning, type Signing } from '../../shared/http/signing.ts'
import { itemsOf, records, testClouds, textOf, type Answer, type TestClouds } from './fixture.ts'
import { newKey, openHalf, signingOf, siteKeys } from './signing-keys.ts'

/** Some bytes at both sites, as they are once they were replicated. */
async function objectAtBoth(clouds: TestClouds, asset: string, mediaType: string) {
  const bytes = Buffer.from(`the bytes of ${asset}`)
  const sha256 = sha256Hex(bytes)
  const objectKey = objectKeyOf('acme', asset, sha256)
  for (const site of sites) await clouds[site].services.objects.put(objectKey, bytes, { mediaType })
  return { objectKey, mediaType, bytes: bytes.length, sha256, crc64nvme: '' }
}

/** What the three kinds of signatures are asked for: a picture, a film and two records. */
async function filled(signing: Record<Site, Signing>): Promise<TestClouds> {
  const clouds = await testClouds({}, signing)
  const { services, call } = clouds.aws
  await call('POST', '/v1/assets', { json: { id: 'photo', name: 'boat.jpg', mediaType: 'image/jpeg' } })
  await call('POST', '/v1/assets', { json: { id: 'film', name: 'boat.mp4', mediaType: 'video/mp4' } })
  for (const id of ['a', 'b']) await call('PUT', `${records}/${id}`, { json: {}, headers: { 'if-none-match': '*' } })
  const ready = { status: 'ready', version: 'v1', job: 'j1', site: 'aws' } as const
  const { objectKey: _, ...picture } = await objectAtBoth(clouds, 'photo', 'image/avif')
  const source = sha256Hex('original')
  const photo: MediaBody = {
    ...ready,
    kind: 'image',
    mediaType: 'image/jpeg',
    sha256: source,
    objectKey: objectKeyOf('acme', 'photo', source),
    properties: { width: 900, height: 600, hasAlpha: false, thumbhash: 'x' },
    renditions: [],
  }
  const properties = {
    videoCodec: 'avc1.64001f',
    bitsPerSecond: 900,
    bitsPerSecondPeak: 1_200,
    width: 480,
    height: 270,
  }
  const segments = packSegments({ initBytes: 4, indexBytes: 2, timescale: 1000, segments: [{ ticks: 4000, bytes: 9 }] })
  const track = { name: 'cmaf-h264-270', version: 1, properties, segments }
  const film: MediaBody = {
    ...ready,
    properties: {},
    renditions: [{ ...track, ...(await objectAtBoth(clouds, 'film', 'video/mp4')) }],
  }
  await writeRecord(services, mediaKey('acme', 'photo'), { precondition: { kind: 'none' } }, () => photo)
  await writeRecord(services, mediaKey('acme', 'film'), { precondition: { kind: 'none' } }, () => film)
  const id = variantIdOf(source, wishOptions({ w: 300 }, 'avif', { hasAlpha: false, animated: false }))
  await listVariant(services, { tenant: 'acme', asset: 'photo', id }, { id, source, ...picture, properties: {} })
  // The signing key of the tenant is a record, too: without one at both sites, none could take what the other signed.
  await call('POST', '/v1/image-keys')
  await clouds.sites.flush()
  return clouds
}

interface Signed {
  readonly image: string
  readonly stream: string
  readonly cursor: string
}

const pathOf = (url: unknown): string => {
  const { pathname, search } = new URL(textOf(url))
  return pathname + search
}

/** Paths that this site signed. */
async function signedAt(clouds: TestClouds, site: Site): Promise<Signed> {
  const { call } = clouds[site]
  const image = { asset: 'photo', images: [{ params: { w: 300 } }] }
  const images = await call('POST', '/v1/image-urls', { json: image })
  const playback = await call('GET', '/v1/assets/film/playback')
  const page = await call('GET', `${records}?limit=1`)
  expect([images.status, playback.status, page.status]).toEqual([200, 200, 200])
  return {
    image: pathOf(itemsOf(images)[0]?.['url']),
    stream: pathOf(playback.json['hls']),
    cursor: `${records}?limit=1&cursor=${textOf(page.json['next'])}`,
  }
}

/** What a site says to them: to the first two without a key. */
async function asked(clouds: TestClouds, site: Site, { image, stream, cursor }: Signed): Promise<Answer[]> {
  const { call } = clouds[site]
  const anyone = { key: undefined, headers: { accept: 'image/avif' } }
  return [await call('GET', image, anyone), await call('GET', stream, anyone), await call('GET', cursor)]
}

const statusesOf = (answers: readonly Answer[]): number[] => answers.map(({ status }) => status)
const good = [307, 200, 200]
const refused = [403, 404, 400]

let keys: Record<Site, JsonWebKey>

beforeEach(() => {
  keys = siteKeys()
})

test.each(sites)('what %s signed, the other one takes while it is gone', async (site) => {
  const clouds = await filled(signingOf(keys))
  const signed = await signedAt(clouds, site)
  clouds.sites.connected = false
  const answers = await asked(clouds, peerOf(site), signed)
  expect(statusesOf(answers)).toEqual(good)
  const [image, , list] = answers
  expect(image?.headers.get('location')).toContain(`/objects/acme/photo/${sha256Hex('the bytes of photo')}`)
  expect(list && itemsOf(list).map(({ id }) => id)).toEqual(['b'])
})

test("two sites' addresses of one picture lead to the same stored one", async () => {
  const clouds = await filled(signingOf(keys))
  const [one, other] = [await signedAt(clouds, 'aws'), await signedAt(clouds, 'azure')]
  expect(one.image).not.toBe(other.image)
  const places = await Promise.all([one, other].map((each) => asked(clouds, 'aws', each)))
  const [first, second] = places.map(([image]) => new URL(image?.headers.get('location') ?? '').pathname)
  expect(first).toBe(second)
  // The same moment and the same key give the same address, which caches of browsers know again.
  expect((await signedAt(clouds, 'aws')).image).toBe(one.image)
})

test.each(sites)('a site withdraws the key of the other, %s, and keeps its own', async (lost) => {
  const stays = peerOf(lost)
  const own = siteSigning({ privateKey: keys[stays], publicKeys: [openHalf(keys[stays])] })
  const clouds = await filled({ ...signingOf(keys), [stays]: own })
  const signed = { [lost]: await signedAt(clouds, lost), [stays]: await signedAt(clouds, stays) }
  const answers = await asked(clouds, stays, signed[lost] as Signed)
  expect(statusesOf(answers)).toEqual(refused)
  expect(statusesOf(await asked(clouds, stays, signed[stays] as Signed))).toEqual(good)
  expect(statusesOf(await asked(clouds, lost, signed[stays] as Signed))).toEqual(good)
  // To the letter what a damaged one gets.
  const damage = (path: string): string =>
    path.replace(/(?<=(?:signature=|playback\/|cursor=).{40})./, (char) => (char === '_' ? '-' : '_'))
  const { image, stream, cursor } = signed[stays] as Signed
  const damaged = await asked(clouds, stays, {
    image: damage(image),
    stream: damage(stream),
    cursor: damage(cursor),
  })
  expect(damaged.map(({ json }) => json['detail'])).toEqual(answers.map(({ json }) => json['detail']))
})

test('a key is exchanged without ending what the old one signed, until that is taken away', async () => {
  const next = newKey()
  const open = [keys.aws, keys.azure, next].map(openHalf)
  const both: Record<Site, JsonWebKey[]> = { aws: open, azure: open }
  const at = (privateKey: JsonWebKey, publicKeys: JsonWebKey[]) => siteSigning({ privateKey, publicKeys })
  let aws = at(keys.aws, both.aws)
  let azure = at(keys.azure, both.azure)
  const moving = (current: () => Signing): Signing => ({
    sign: (purpose, text) => current().sign(purpose, text),
    verify: (purpose, text, signature) => current().verify(purpose, text, signature),
  })
  const clouds = await filled({ aws: moving(() => aws), azure: moving(() => azure) })
  const old = await signedAt(clouds, 'aws')
  aws = at(next, both.aws)
  const fresh = await signedAt(clouds, 'aws')
  for (const site of sites) {
    expect(statusesOf(await asked(clouds, site, old))).toEqual(good)
    expect(statusesOf(await asked(clouds, site, fresh))).toEqual(good)
  }
  const left = [keys.azure, next].map(openHalf)
  aws = at(next, left)
  azure = at(keys.azure, left)
  for (const site of sites) {
    expect(statusesOf(await asked(clouds, site, old))).toEqual(refused)
    expect(statusesOf(await asked(clouds, site, fresh))).toEqual(good)
  }
})

describe('a signature', () => {
  const grant = { tenant: 'acme', asset: 'film', expiresAtMs: 9_999_999_999_000 }

  test('for one purpose is none for another, whatever is signed', async () => {
    const { aws } = signingOf(keys)
    const clouds = await filled({ aws, azure: aws })
    const play = async (token: string): Promise<number> =>
      (await clouds.azure.call('GET', `/v1/playback/${token}/hls.m3u8`, { key: undefined })).status
    expect(await play(seal(aws, 'playback', null, grant))).toBe(200)
    expect(await play(seal(aws, 'cursor', null, grant))).toBe(404)
    expect(await play(seal(aws, 'image', null, grant))).toBe(404)
    const scope = ['records', 'acme', 'notes', false]
    const token = aws.sign('cursor', JSON.stringify(scope))
    for (const purpose of ['image', 'playback'] as const) {
      expect([purpose, aws.verify(purpose, JSON.stringify(scope), token)]).toEqual([purpose, false])
    }
    expect(aws.verify('cursor', JSON.stringify(scope), token)).toBe(true)
  })

  test('has one spelling', async () => {
    const clouds = await filled(signingOf(keys))
    const { image } = await signedAt(clouds, 'aws')
    const [, last = ''] = /signature=.{93}(.)$/.exec(image) ?? []
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    // The four bits at its end stand for nothing.
    const same = alphabet[alphabet.indexOf(last) + 1] ?? ''
    expect(Buffer.from(`A${last}`, 'base64url')).toEqual(Buffer.from(`A${same}`, 'base64url'))
    const answer = await clouds.aws.call('GET', `${image.slice(0, -1)}${same}`, { key: undefined })
    expect([answer.status, answer.json['code']]).toEqual([403, 'forbidden'])
  })

  test('names its key by the thumbprint that RFC 8037 gives for it', () => {
    const { aws } = signingOf({
      aws: {
        kty: 'OKP',
        crv: 'Ed25519',
        d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
        x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwaaPJURHUo',
      },
      azure: keys.azure,
    })
    expect(aws.sign('cursor', 'x').toString('base64url')).toMatch(/^kPrK_qmx/)
  })
})
