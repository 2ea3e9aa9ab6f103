import { beforeAll, describe, expect, test } from '@jest/globals'
import { readFile } from 'node:fs/promises'
import { seedKey } from '../../../local/seed.ts'
import { makeSamples, type Sample } from '../../../local/samples/make.ts'
import { type Api, apiOf, type CallOptions } from '../../../local/tour/api.ts'
import { uploadFile } from '../../../local/tour/upload.ts'
import { sampleFolder } from '../../../local/tour.ts'
import { type Problem, sendDirect, untilStatus } from '../assets-tools.ts'
import { hugePng, truncated } from '../damaged.ts'
import { type Pair, peerSite, sites, unique } from '../pair.ts'
import { until } from '../../../local/tour/until.ts'

interface Wrong {
  readonly name: string
  readonly method: string
  readonly path: string
  readonly options: CallOptions
  readonly status: number
}

const record = '/v1/collections/things/records/a'
const create = { 'if-none-match': '*', 'content-type': 'application/json' }
const bytesOf = (...bytes: number[]): Uint8Array<ArrayBuffer> => new Uint8Array(bytes)
const put = (name: string, content: string | Uint8Array<ArrayBuffer>, status: number, headers = {}): Wrong => ({
  name,
  method: 'PUT',
  path: record,
  options: { content, headers: { ...create, ...headers } },
  status,
})
const asset = (name: string, fields: object, status = 400): Wrong => ({
  name,
  method: 'POST',
  path: '/v1/assets',
  options: { json: { name: 'x', mediaType: 'image/png', upload: 'single', ...fields } },
  status,
})
const get = (name: string, path: string, status: number): Wrong => ({ name, method: 'GET', path, options: {}, status })

const wrongs: readonly Wrong[] = [
  put('half of a JSON text', '{"a":', 400),
  put('an array for an object', '[1]', 400),
  put('duplicate members', '{"a":1,"a":2}', 400),
  put('__proto__', '{"__proto__":{"admin":true}}', 400),
  put('a lone surrogate', '{"a":"\\ud800"}', 400),
  put('a number past a double', '{"a":1e999}', 400),
  put('bytes that are no UTF-8', bytesOf(0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d), 400),
  put('ten thousand levels', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`, 400),
  put('a record of 400 KB', JSON.stringify({ a: 'x'.repeat(400_000) }), 413),
  put('a body of 8 MB', JSON.stringify({ a: 'x'.repeat(8_000_000) }), 413),
  put('a body of 20 MB', JSON.stringify({ a: 'x'.repeat(20_000_000) }), 413),
  put('another content type', 'a=1', 415, { 'content-type': 'application/x-www-form-urlencoded' }),
  put('a compressed body', '{}', 415, { 'content-encoding': 'gzip' }),
  put('an ETag without quotes', '{}', 400, { 'if-none-match': 'abc' }),
  put('an idempotency key too long', '{}', 400, { 'idempotency-key': 'k'.repeat(300) }),
  put('a session that nobody gave', '{}', 400, { 'catamaran-session': 'AAAA' }),
  asset('negative bytes', { bytes: -1 }),
  asset('bytes as text', { bytes: '12' }),
  asset('a digest that is none', { sha256: 'xyz' }),
  asset('an unknown way', { upload: 'tape' }),
  asset('an unknown field', { admin: true }),
  asset('a type that is none', { mediaType: 'nonsense' }),
  asset('parts without bytes', { upload: 'multipart' }),
  asset('a control character in the name', { name: 'a\u0000b' }),
  asset('labels of the wrong type', { labels: { a: 1 } }),
  get('an unknown query', '/v1/assets?colour=red', 400),
  get('an unknown route', '/v1/nothing', 404),
  get('a system collection', '/v1/collections/_keys/records', 404),
  get('an id with NUL', '/v1/collections/things/records/a%00b', 400),
  get('an id that is broken UTF-8', '/v1/collections/things/records/%ff%fe', 400),
  get('an id of 300 bytes', `/v1/collections/things/records/${'x'.repeat(300)}`, 400),
  get('a limit of zero', '/v1/assets?limit=0', 400),
  get('a cursor that nobody gave', '/v1/assets?cursor=AAAA', 400),
  { name: 'a method that is not there', method: 'PATCH', path: '/v1/changes', options: {}, status: 405 },
]

export function garbageSuite(pair: () => Pair): void {
  describe.each(sites)('garbage at %s', (site) => {
    let here: Api
    beforeAll(async () => {
      here = apiOf(site, pair().clouds.urls[site].api, await seedKey(pair().clouds, 'garbage'))
    })

    test.each([...wrongs])('$name is refused with $status', async ({ method, path, options, status }) => {
      const answer = await here.call<Problem>(method, path, options)
      expect(answer.status).toBe(status)
      expect(answer.headers.get('content-type')).toContain('application/problem+json')
      expect([typeof answer.body.code, answer.body.status]).toEqual(['string', status])
    })

    test('none of it has changed anything', async () => {
      const changes = await here.get<{ items: unknown[] }>('/v1/changes?limit=500')
      const records = await here.get<{ items: unknown[] }>('/v1/collections/things/records?deleted=true')
      const assets = await here.get<{ items: unknown[] }>('/v1/assets')
      expect([changes.items, records.items, assets.items]).toEqual([[], [], []])
    })

    test('absurd but valid ids and texts come through unchanged, at both sites', async () => {
      const ids = [
        '👩‍👩‍👧‍👦',
        'ﷺ',
        'a\u0301',
        '\u202Egnp.exe',
        'ẞ%2F',
        "'; DROP TABLE records;--",
        '＜script＞',
        '+ &?=#',
      ]
      for (const id of ids) {
        const path = `/v1/collections/absurd/records/${encodeURIComponent(`${id} ${unique('u')}`)}`
        const body = { text: id, nested: [[{ [id]: '\u0000\uFFFF' }]] }
        await pair().apis[site].call('PUT', path, { json: body, headers: { 'if-none-match': '*' }, status: 201 })
        const there = pair().apis[peerSite(site)]
        const view = await until(`${id} at the peer`, async () => {
          const { status, body: found } = await there.call<{ body: unknown }>('GET', path, { status: [200, 404] })
          return status === 200 ? found : undefined
        })
        expect(view.body).toEqual(body)
      }
    })
  })

  describe.each(sites)('damaged media at %s', (site) => {
    const here = () => pair().apis[site]
    let samples: Sample[] = []
    beforeAll(async () => {
      samples = await makeSamples(sampleFolder)
    }, 60_000)

    test('truncated files end as failed with a reason, none as half a rendition', async () => {
      const kinds = ['photo', 'logo', 'video'] as const
      const ids = await Promise.all(
        kinds.map(async (kind) => {
          const sample = samples.find((each) => each.kind === kind)
          if (!sample) throw new Error(`no sample of the kind ${kind}`)
          const file = await truncated(sample.file, pair().folder)
          const id = unique(kind)
          const fields = {
            id,
            name: `${id}.bin`,
            mediaType: sample.mediaType,
            bytes: file.bytes,
            upload: 'single',
          } as const
          await uploadFile(here(), fields, file.path)
          return id
        }),
      )
      for (const id of ids) {
        const view = await untilStatus(here(), id, ['failed', 'ready'], 90_000)
        expect([id, view.status, view.error?.code, view.renditions]).toEqual([id, 'failed', 'invalid-media', []])
        expect(view.error?.detail.length).toBeGreaterThan(10)
      }
    })

    test('a picture of 256 megapixels in less than 1 MB is refused before it is decoded', async () => {
      const png = hugePng(16_384, 16_384)
      expect(png.byteLength).toBeLessThan(1_000_000)
      const began = performance.now()
      const made = await sendDirect(here(), unique('huge.png'), png, 'image/png')
      const view = await untilStatus(here(), made.id, ['failed', 'ready'])
      expect([view.status, view.error?.code]).toEqual(['failed', 'invalid-media'])
      expect(performance.now() - began).toBeLessThan(20_000)
    })

    test('a playlist called .mp4, an archive called .jpg and an empty file do no harm', async () => {
      const playlist = '#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:1,\nhttp://127.0.0.1:9/secret.ts\n#EXT-X-ENDLIST\n'
      const logo = await readFile(samples.find((each) => each.kind === 'logo')?.file ?? '')
      const zip = new Uint8Array(Buffer.concat([Buffer.from('PK\u0003\u0004'), logo]))
      const made = [
        await sendDirect(here(), unique('list.mp4'), playlist, 'video/mp4'),
        await sendDirect(here(), unique('zip.jpg'), zip, 'image/jpeg'),
      ]
      for (const { id } of made) {
        const view = await untilStatus(here(), id, ['failed', 'ready'])
        expect(view.renditions).toEqual([])
      }
      const empty = await here().call<{ asset?: { id: string } }>('POST', `/v1/assets?name=${unique('empty')}`, {
        content: '',
        headers: { 'content-type': 'image/png' },
        status: [202, 400, 422],
      })
      if (empty.body.asset)
        expect((await untilStatus(here(), empty.body.asset.id, ['failed'])).error?.code).toBe('empty')
    })
  })
}
