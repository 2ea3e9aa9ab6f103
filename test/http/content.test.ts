import { beforeAll, describe, expect, test } from '@jest/globals'
import { writeRecord } from '../../shared/core/records.ts'
import { sha256Hex } from '../../shared/domain/hash.ts'
import { mediaKey, objectKeyOf, type MediaBody } from '../../shared/domain/asset.ts'
import { testClouds, type TestClouds } from './fixture.ts'

const bytes = new TextEncoder().encode('0123456789')
const small = new TextEncoder().encode('tiny')
const large = new Uint8Array(5 * 1024 * 1024).fill(9)
const etag = `"${sha256Hex(bytes)}"`
let clouds: TestClouds

/** An asset as processing leaves it, with one rendition. */
async function ready(id: string, original: Uint8Array<ArrayBuffer>, name = 'naïve "x".txt'): Promise<void> {
  const { services, call } = clouds.aws
  await call('POST', '/v1/assets', { json: { id, name, mediaType: 'text/plain' } })
  const put = async (data: Uint8Array<ArrayBuffer>) => {
    const objectKey = objectKeyOf('acme', id, sha256Hex(data))
    await services.objects.put(objectKey, data, { mediaType: 'text/plain' })
    return { objectKey, bytes: data.length, sha256: sha256Hex(data), crc64nvme: '', mediaType: 'text/plain' }
  }
  const rendition = { name: 'tiny', version: 1, properties: {}, ...(await put(small)) }
  const media: MediaBody = {
    status: 'ready',
    version: 'v1',
    job: 'j1',
    site: 'aws',
    properties: {},
    renditions: [rendition],
    ...(await put(original)),
  }
  await writeRecord(services, mediaKey('acme', id), { precondition: { kind: 'none' } }, () => media)
}

beforeAll(async () => {
  clouds = await testClouds()
  await ready('text', bytes)
  await ready('large', large)
  await clouds.aws.call('POST', '/v1/assets', { json: { id: 'waiting', name: 'a', mediaType: 'text/plain' } })
  await clouds.sites.flush()
})

const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  clouds.aws.call(method, `/v1/assets/${path}`, { headers })

describe('by the CDN', () => {
  test('content is a redirect that only this client may keep', async () => {
    for (const method of ['GET', 'HEAD']) {
      const answer = await get('text/content', {}, method)
      expect([answer.status, answer.headers.get('cache-control')]).toEqual([307, 'private, max-age=60'])
      expect(answer.headers.get('location')).toMatch(`https://edge.test/objects/acme/text/${sha256Hex(bytes)}?`)
    }
    expect((await get('text/renditions/tiny')).headers.get('location')).toMatch(sha256Hex(small))
  })

  test('bytes that are not here yet are at the other site', async () => {
    const answer = await clouds.azure.call('GET', '/v1/assets/text/content')
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([307, 'no-store'])
    const streamed = await clouds.azure.call('GET', '/v1/assets/text/content?via=api')
    expect([streamed.status, streamed.headers.get('content-length'), streamed.headers.get('etag')]).toEqual([
      307,
      null,
      null,
    ])
    expect(streamed.headers.get('location')).toMatch(sha256Hex(bytes))
  })

  test('the other site says of them what this one would', async () => {
    const said = async (path: string): Promise<(string | null)[]> => {
      const { headers } = await clouds.azure.call('GET', `/v1/assets/text/${path}`)
      const { searchParams } = new URL(headers.get('location') ?? '')
      return [searchParams.get('type'), searchParams.get('disposition')]
    }
    const attachment = `attachment; filename="na_ve _x_.txt"; filename*=UTF-8''na%C3%AFve%20%22x%22.txt`
    for (const path of ['content', 'content?via=api']) expect(await said(path)).toEqual(['text/plain', attachment])
    const [, inline] = await said('renditions/tiny')
    expect(inline).toMatch(/^inline; filename="na_ve _x_-tiny"/)
  })

  test('what cannot be had says why', async () => {
    expect((await get('waiting/content')).status).toBe(409)
    expect((await get('waiting/content?via=api')).json['code']).toBe('conflict')
    expect((await get('text/renditions/nope')).status).toBe(404)
    expect((await get('never/content')).status).toBe(404)
    expect((await get('text/content?via=fax')).status).toBe(400)
  })
})

describe('through the API', () => {
  test('an original is an attachment that can do no harm', async () => {
    const answer = await get('text/content?via=api')
    expect([answer.status, answer.text, answer.headers.get('etag')]).toEqual([200, '0123456789', etag])
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'accept-ranges': 'bytes',
      'content-length': '10',
      'content-security-policy': "sandbox; default-src 'none'",
      'content-type': 'text/plain',
      'x-content-type-options': 'nosniff',
    })
    expect(answer.headers.get('content-disposition')).toMatch(
      /^attachment; filename="na_ve _x_\.txt"; filename\*=UTF-8''na%C3%AFve/,
    )
    const rendition = await get('text/renditions/tiny?via=api')
    expect([rendition.text, rendition.headers.get('content-disposition')?.slice(0, 6)]).toEqual(['tiny', 'inline'])
  })

  test.each([
    ['bytes=0-3', '0123', 'bytes 0-3/10'],
    ['bytes=4-', '456789', 'bytes 4-9/10'],
    ['bytes=-2', '89', 'bytes 8-9/10'],
    ['bytes=-99', '0123456789', 'bytes 0-9/10'],
    ['bytes=9-99', '9', 'bytes 9-9/10'],
    ['BYTES= 0-0 ', '0', 'bytes 0-0/10'],
  ])('%s is answered 206', async (range, text, contentRange) => {
    const answer = await get('text/content?via=api', { range })
    expect([answer.status, answer.text, answer.headers.get('content-range')]).toEqual([206, text, contentRange])
    expect(answer.headers.get('content-length')).toBe(String(text.length))
    const head = await get('text/content?via=api', { range }, 'HEAD')
    expect([head.status, head.text, head.headers.get('content-range')]).toEqual([206, '', contentRange])
  })

  test.each(['bytes=3-1', 'bytes=-', 'bytes=a-b', 'lines=1-2', 'bytes=0-1,3-4', 'bytes'])(
    '%s is ignored',
    async (range) => {
      const answer = await get('text/content?via=api', { range })
      expect([answer.status, answer.text]).toEqual([200, '0123456789'])
    },
  )

  test.each(['bytes=10-', 'bytes=10-11', 'bytes=-0'])('%s is answered 416 with the length', async (range) => {
    const answer = await get('text/content?via=api', { range })
    expect([answer.status, answer.json['code']]).toEqual([416, 'range-not-satisfiable'])
    expect(answer.headers.get('content-range')).toBe('bytes */10')
    expect(answer.headers.get('content-disposition')).toBeNull()
  })

  test('conditions go before ranges', async () => {
    const range = 'bytes=0-3'
    expect((await get('text/content?via=api', { range, 'if-none-match': etag })).status).toBe(304)
    expect((await get('text/content?via=api', { range: 'bytes=99-', 'if-match': '"x"' })).status).toBe(412)
    expect((await get('text/content?via=api', { range, 'if-range': etag })).status).toBe(206)
    for (const other of ['"x"', `W/${etag}`, 'Wed, 21 Oct 2015 07:28:00 GMT']) {
      expect((await get('text/content?via=api', { range, 'if-range': other })).status).toBe(200)
    }
  })

  test('no more than 4 MiB at a time', async () => {
    const whole = await get('large/content?via=api')
    expect([whole.status, whole.json['code']]).toEqual([413, 'too-large'])
    const part = await get('large/content?via=api', { range: 'bytes=1-' })
    expect([part.status, part.headers.get('content-range')]).toEqual([206, 'bytes 1-4194304/5242880'])
    expect(part.text.length).toBe(4_194_304)
    expect((await get('large/content?via=api', {}, 'HEAD')).headers.get('content-length')).toBe('5242880')
  })
})
