import { beforeAll, describe, expect, test } from '@jest/globals'
import { writeRecord } from '../../shared/core/records.ts'
import { mediaKey, objectKeyOf, type MediaBody, type RenditionBody } from '../../shared/domain/asset.ts'
import { sha256Hex } from '../../shared/domain/hash.ts'
import { packSegments } from '../../shared/domain/segments.ts'
import { signatureBytes } from '../../shared/http/signing.ts'
import { testClouds, textOf, type Answer, type TestClouds } from './fixture.ts'

let clouds: TestClouds

/** A track of three segments: 40 bytes of header, 20 of index, then 100, 200 and 50. */
const bytesOf = (seed: number): Uint8Array<ArrayBuffer> => new Uint8Array(410).map((_, at) => (at * 7 + seed) % 251)
const segments = packSegments({
  initBytes: 40,
  indexBytes: 20,
  timescale: 1000,
  segments: [
    { ticks: 4000, bytes: 100 },
    { ticks: 4000, bytes: 200 },
    { ticks: 1500, bytes: 50 },
  ],
})

async function film(id: string, status: MediaBody['status'] = 'ready'): Promise<void> {
  const { services, call } = clouds.aws
  await call('POST', '/v1/assets', { json: { id, name: 'film.mov', mediaType: 'video/quicktime' } })
  const track = async (name: string, seed: number, mediaType: string, properties: object): Promise<RenditionBody> => {
    const data = bytesOf(seed)
    const objectKey = objectKeyOf('acme', id, sha256Hex(data))
    await services.objects.put(objectKey, data, { mediaType })
    const digests = { bytes: data.length, sha256: sha256Hex(data), crc64nvme: '' }
    return { name, version: 1, objectKey, mediaType, ...digests, properties: { ...properties }, segments }
  }
  const plain = async (name: string, mediaType: string, properties: object): Promise<RenditionBody> => {
    const { segments: _, ...rendition } = await track(name, name.length, mediaType, properties)
    return rendition
  }
  const rates = { bitsPerSecond: 900, bitsPerSecondPeak: 1_200 }
  const picture = { ...rates, videoCodec: 'avc1.64001f', framesPerSecond: 29.97 }
  const hevc = { ...picture, videoCodec: 'hvc1.1.6.L93.90', bitsPerSecond: 600 }
  const av1 = { ...picture, videoCodec: 'av01.0.04M.08', bitsPerSecond: 450 }
  const media: MediaBody = {
    status,
    version: 'v1',
    job: 'j1',
    site: 'aws',
    properties: {},
    renditions: [
      await track('cmaf-h264-720', 1, 'video/mp4', { ...picture, width: 1280, height: 720 }),
      await track('cmaf-h264-270', 2, 'video/mp4', { ...picture, width: 480, height: 270, bitsPerSecond: 300 }),
      await track('cmaf-hevc-720', 4, 'video/mp4', { ...hevc, width: 1280, height: 720 }),
      await track('cmaf-av1-720', 5, 'video/mp4', { ...av1, width: 1280, height: 720 }),
      await track('cmaf-aac', 3, 'audio/mp4', { ...rates, audioCodec: 'mp4a.40.2' }),
      await plain('captions-eng', 'text/vtt', { language: 'eng' }),
      await plain('sprite', 'image/jpeg', { intervalMs: 4000, count: 2, columns: 10, tileWidth: 160, tileHeight: 90 }),
    ],
  }
  await writeRecord(services, mediaKey('acme', id), { precondition: { kind: 'none' } }, () => media)
}

/** What an uploaded subtitle file becomes; the key of its object. */
async function subtitles(id: string): Promise<string> {
  const { services, call } = clouds.aws
  await call('POST', '/v1/assets', { json: { id, name: 'film.srt', mediaType: 'application/x-subrip' } })
  const data = new TextEncoder().encode('WEBVTT\n\n00:00.000 --> 00:01.000\nZwei Rümpfe\n')
  const objectKey = objectKeyOf('acme', id, sha256Hex(data))
  await services.objects.put(objectKey, data, { mediaType: 'text/vtt' })
  const digests = { bytes: data.length, sha256: sha256Hex(data), crc64nvme: '' }
  const rendition = { name: 'captions', version: 1, objectKey, mediaType: 'text/vtt', ...digests, properties: {} }
  const media: MediaBody = {
    status: 'ready',
    version: 'v1',
    job: 'j1',
    site: 'aws',
    properties: {},
    renditions: [rendition],
  }
  await writeRecord(services, mediaKey('acme', id), { precondition: { kind: 'none' } }, () => media)
  return objectKey
}

beforeAll(async () => {
  clouds = await testClouds()
  await film('film')
  await clouds.aws.call('POST', '/v1/assets', { json: { id: 'early', name: 'a', mediaType: 'video/mp4' } })
  await clouds.sites.flush()
})

const open = async (site: 'aws' | 'azure' = 'aws', query = ''): Promise<{ hls: string; dash: string; at: string }> => {
  const { status, json } = await clouds[site].call('GET', `/v1/assets/film/playback${query}`)
  expect(status).toBe(200)
  return { hls: textOf(json['hls']), dash: textOf(json['dash']), at: textOf(json['expiresAt']) }
}

/** As a player would: without a key. */
const play = (url: string | URL, site: 'aws' | 'azure' = 'aws', method = 'GET'): Promise<Answer> =>
  clouds[site].call(method, new URL(url).pathname, { key: undefined })

/** The addresses in a playlist, against its own. */
const linesOf = (playlist: string, base: string): string[] =>
  playlist
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => new URL(line, base).href)

describe('a stream', () => {
  test('is a playlist of playlists, which lie beside it', async () => {
    const { hls } = await open()
    const master = await play(hls)
    expect([master.status, master.headers.get('content-type')]).toEqual([200, 'application/vnd.apple.mpegurl'])
    expect(master.headers.get('cache-control')).toBe('private, max-age=60')
    expect(master.text).toContain('BANDWIDTH=2400,AVERAGE-BANDWIDTH=1800,CODECS="avc1.64001f,mp4a.40.2"')
    expect(master.text).toContain('RESOLUTION=1280x720,FRAME-RATE=29.970,AUDIO="sound"')
    expect(linesOf(master.text, hls).map((each) => each.split('/').at(-1))).toEqual([
      'cmaf-h264-270.m3u8',
      'cmaf-h264-720.m3u8',
      'cmaf-hevc-720.m3u8',
      'cmaf-av1-720.m3u8',
    ])
    expect(master.text).toContain('CODECS="hvc1.1.6.L93.90,mp4a.40.2"')
  })

  test('leads to ranges of one signed object a track, which are all of it but its index', async () => {
    const { hls } = await open()
    const playlist = (await play(new URL('cmaf-aac.m3u8', hls))).text
    const whole = bytesOf(3)
    const map = /#EXT-X-MAP:URI="(.+)",BYTERANGE="(\d+)@0"/.exec(playlist)
    const ranges = [...playlist.matchAll(/#EXT-X-BYTERANGE:(\d+)@(\d+)\n(.+)/g)]
    expect(new Set([map?.[1], ...ranges.map(([, , , url]) => url)]).size).toBe(1)
    expect(map?.[1]).toMatch(`https://edge.test/objects/acme/film/${sha256Hex(whole)}?`)
    const parts = ranges.map(([, bytes, at]) => whole.subarray(Number(at), Number(at) + Number(bytes)))
    expect(map?.[2]).toBe('40')
    expect(Buffer.concat(parts)).toEqual(Buffer.from(whole.subarray(60)))
    expect([...playlist.matchAll(/#EXTINF:([\d.]+),/g)].map(([, seconds]) => Number(seconds))).toEqual([4, 4, 1.5])
    expect(playlist).toMatch(/#EXT-X-TARGETDURATION:4\n[^]*#EXT-X-ENDLIST\n$/)
  })

  test('brings its captions and thumbnails', async () => {
    const { hls } = await open()
    const master = (await play(hls)).text
    expect(master).toContain('#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="captions",NAME="eng",LANGUAGE="eng"')
    expect(master.match(/AUDIO="sound",SUBTITLES="captions"/g)).toHaveLength(4)
    const captions = (await play(new URL('captions-eng.m3u8', hls))).text
    expect(captions).toMatch(/#EXTINF:9\.500000,\nhttps:\/\/edge\.test\/.+\n#EXT-X-ENDLIST/)
    expect((await play(new URL('captions-eng.vtt', hls))).status).toBe(307)
    const { json } = await clouds.aws.call('GET', '/v1/assets/film/playback')
    const thumbnails = await play(textOf(json['thumbnails']))
    expect([thumbnails.status, thumbnails.headers.get('content-type')]).toEqual([200, 'text/vtt'])
    expect(thumbnails.text).toMatch(/^WEBVTT\n\n00:00:00\.000 --> 00:00:04\.000\nhttps:.+#xywh=0,0,160,90\n\n/)
    expect(thumbnails.text).toMatch(/00:00:04\.000 --> 00:00:09\.500\nhttps:.+#xywh=160,0,160,90\n$/)
  })

  test('brings the subtitles that its labels name, as long as they are there', async () => {
    const { call } = clouds.aws
    const label = async (labels: object): Promise<void> => {
      const { headers } = await call('GET', '/v1/assets/film')
      const options = {
        json: { labels },
        headers: { 'if-match': headers.get('etag') ?? '', 'content-type': 'application/merge-patch+json' },
      }
      expect((await call('PATCH', '/v1/assets/film', options)).status).toBe(200)
    }
    const languages = async (site: 'aws' | 'azure' = 'aws'): Promise<string[]> => {
      const { hls } = await open(site)
      return [...(await play(hls, site)).text.matchAll(/LANGUAGE="([^"]+)"/g)].map(([, language = '']) => language)
    }
    await label({
      'captions-de': 'subtitles',
      'captions-fr': 'nowhere',
      'captions-x': 'subtitles',
      'captions-it': '../film',
    })
    expect(await languages()).toEqual(['eng'])
    const objectKey = await subtitles('subtitles')
    expect(await languages()).toEqual(['eng', 'de'])
    const { hls, dash } = await open()
    expect((await play(new URL('captions-de.m3u8', hls))).text).toContain(`https://edge.test/${objectKey}?`)
    const { status, headers } = await play(new URL('captions-de.vtt', hls))
    expect([status, headers.get('location')]).toEqual([307, expect.stringContaining(objectKey)])
    expect((await play(dash)).text).toMatch(new RegExp(`lang="de".+<BaseURL>https://edge.test/${objectKey}`))
    await clouds.sites.flush()
    expect(await languages('azure')).toEqual(['eng', 'de'])
    // Its bytes are at the other site: the playlist leads back here, and from here to them.
    expect((await play(new URL('captions-de.m3u8', hls), 'azure')).text).toContain('\ncaptions-de.vtt\n')
    expect((await play(new URL('captions-de.vtt', hls), 'azure')).status).toBe(307)
    await label({ 'captions-eng': 'subtitles' })
    expect(await languages()).toEqual(['de', 'eng'])
    await call('DELETE', '/v1/assets/subtitles', { headers: { 'if-match': '*' } })
    expect(await languages()).toEqual(['eng'])
    await label({
      'captions-de': null,
      'captions-eng': null,
      'captions-fr': null,
      'captions-x': null,
      'captions-it': null,
    })
  })

  test('says the same to players of DASH', async () => {
    const { dash } = await open()
    const manifest = await play(dash)
    expect([manifest.status, manifest.headers.get('content-type')]).toEqual([200, 'application/dash+xml'])
    expect(manifest.text).toContain('mediaPresentationDuration="PT9.500S"')
    const sets = manifest.text.split('<AdaptationSet ').slice(1)
    expect(sets.map((set) => [/id="(\d)"/.exec(set)?.[1], set.match(/<Representation /g)?.length])).toEqual([
      ['1', 2],
      ['2', 1],
      ['3', 1],
      ['4', 1],
      ['5', 1],
    ])
    expect(sets[3]).toContain('codecs="hvc1.1.6.L93.90"')
    expect(sets[4]).toContain('codecs="av01.0.04M.08"')
    expect(manifest.text).toContain('contentType="text" mimeType="text/vtt" lang="eng"')
    expect(manifest.text.match(/indexRange="40-59"><Initialization range="0-39"\/>/g)).toHaveLength(5)
    expect(manifest.text).toMatch(
      /<BaseURL>https:\/\/edge\.test\/objects\/acme\/film\/[0-9a-f]{64}\?[^<& ]*(&amp;[^<& ]*)+<\/B/,
    )
    expect(manifest.text).toContain('frameRate="29970/1000"')
  })

  test('plays at the other site before its bytes are there, with the address of either', async () => {
    const { hls } = await open('aws')
    const playlist = await play(new URL('cmaf-h264-720.m3u8', hls), 'azure')
    expect(playlist.status).toBe(200)
    const [track] = linesOf(playlist.text, hls)
    expect(new URL(track ?? '').pathname).toBe(new URL('cmaf-h264-720.mp4', hls).pathname)
    const redirect = await play(track ?? '', 'azure')
    expect([redirect.status, redirect.headers.get('location')]).toEqual([
      307,
      expect.stringMatching(sha256Hex(bytesOf(1))),
    ])
    expect((await play((await open('azure')).hls, 'aws')).status).toBe(200)
  })
})

describe('an address', () => {
  test('is good for one asset, until its time is over', async () => {
    const { hls, at } = await open('aws', '?seconds=60')
    expect(Date.parse(at) - clouds.sites.clock.now()).toBeLessThanOrEqual(60_000)
    expect((await play(hls)).status).toBe(200)
    await clouds.sites.clock.advance(60_000)
    const late = await play(hls)
    expect([late.status, late.json['code']]).toEqual([403, 'forbidden'])
  })

  test('cannot be made up, nor made of another', async () => {
    const { hls } = await open()
    const [, token = ''] = /playback\/([^/]+)\//.exec(hls) ?? []
    const payload = Buffer.from(token, 'base64url').subarray(signatureBytes).toString()
    const forged = (text: string): string =>
      Buffer.concat([Buffer.from(token, 'base64url').subarray(0, signatureBytes), Buffer.from(text)]).toString(
        'base64url',
      )
    for (const other of [
      forged(payload.replace('film', 'farm')),
      forged(payload.replace('acme', 'else')),
      forged(payload.replace(/\d{6}/, '999999')),
      `${token.slice(0, -2)}AA`,
      'x'.repeat(60),
    ]) {
      const answer = await play(hls.replace(token, other))
      expect([answer.status, answer.json['code']]).toEqual([404, 'not-found'])
    }
    expect((await play(hls.replace(token, forged(payload)))).status).toBe(200)
  })

  test('opens no file but those of the stream', async () => {
    const { hls } = await open()
    for (const name of ['cmaf-h264-999.m3u8', 'cmaf-aac.mp4', 'hls.mpd', 'poster.mp4']) {
      expect([name, (await play(new URL(name, hls))).status]).toEqual([name, 404])
    }
    expect((await play(new URL('cmaf-aac.exe', hls))).status).toBe(400)
    expect((await play(hls, 'aws', 'HEAD')).text).toBe('')
    expect((await play(hls, 'aws', 'DELETE')).status).toBe(405)
  })

  test('is given only to who may read the asset, once there is something to play', async () => {
    const { call } = clouds.aws
    expect((await call('GET', '/v1/assets/film/playback', { key: clouds.keys.other })).status).toBe(404)
    expect((await call('GET', '/v1/assets/film/playback', { key: undefined })).status).toBe(401)
    const early = await call('GET', '/v1/assets/early/playback')
    expect([early.status, early.json['code']]).toEqual([409, 'conflict'])
    for (const seconds of ['59', '86401', 'x']) {
      expect((await call('GET', `/v1/assets/film/playback?seconds=${seconds}`)).status).toBe(400)
    }
  })

  test('ends with the asset', async () => {
    await film('gone')
    await clouds.sites.flush()
    const { json } = await clouds.aws.call('GET', '/v1/assets/gone/playback')
    const hls = textOf(json['hls'])
    expect((await play(hls)).status).toBe(200)
    const { headers } = await clouds.aws.call('GET', '/v1/assets/gone')
    await clouds.aws.call('DELETE', '/v1/assets/gone', { headers: { 'if-match': headers.get('etag') ?? '' } })
    expect((await play(hls)).status).toBe(404)
  })
})
