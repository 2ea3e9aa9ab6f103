import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { findFfmpeg } from '../../../shared/media/ffmpeg-path.ts'
import { sendDirect, untilReadyAtBoth } from '../assets-tools.ts'
import { type Pair, sites, unique } from '../pair.ts'

const ffmpeg = findFfmpeg({ searchPath: process.env['PATH'] }) ?? ''
const call = promisify(execFile)

export function streamsSuite(pair: () => Pair): void {
  describe('streams', () => {
    let id: string
    beforeAll(async () => {
      const film = join(pair().folder, `${unique('film')}.mkv`)
      const picture = ['-f', 'lavfi', '-i', 'testsrc=d=9:s=848x480:r=5', '-f', 'lavfi', '-i', 'sine=d=9']
      const codecs = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'flac']
      await call(ffmpeg, ['-nostdin', '-loglevel', 'error', ...picture, ...codecs, film])
      const bytes = new Uint8Array(await readFile(film))
      id = (await sendDirect(pair().apis.aws, unique('film.mkv'), bytes, 'video/matroska')).id
      await untilReadyAtBoth(pair(), id)
    }, 175_000)

    test.each(sites)('%s streams a film: every rung and the sound, from its edge, whole', async (site) => {
      const { hls, dash } = await pair().apis[site].get<{ hls: string; dash: string }>(`/v1/assets/${id}/playback`)
      expect(hls.startsWith(pair().clouds.urls[site].api)).toBe(true)
      const master = await textAt(hls)
      const playlists = [...master.matchAll(/^[^#\n].*\.m3u8$/gm)].map(([name]) => new URL(name, hls).href)
      const sound = /URI="(.+?)"/.exec(master)?.[1] ?? ''
      expect(playlists.map((each) => each.split('/').at(-1) ?? '').sort()).toEqual([
        'cmaf-h264-270.m3u8',
        'cmaf-h264-480.m3u8',
      ])
      for (const playlist of playlists) expect(await framesOf(pair(), site, playlist)).toBe(45)
      const seconds = await secondsOf(pair(), site, new URL(sound, hls).href)
      expect(Math.abs(seconds - 9)).toBeLessThan(0.1)
      const manifest = await textAt(dash)
      const urls = [...manifest.matchAll(/<BaseURL>(.+?)<\/BaseURL>/g)].map(([, url = '']) =>
        url.replaceAll('&amp;', '&'),
      )
      expect(urls).toHaveLength(3)
      for (const url of urls) expect((await fetch(url, { headers: { range: 'bytes=0-7' } })).status).toBe(206)
    })
  })
}

async function textAt(url: string): Promise<string> {
  const answer = await fetch(url)
  expect([url, answer.status]).toEqual([url, 200])
  return answer.text()
}

/** Fetches the header and every segment of a playlist as a player does, and writes them one after the other. */
async function fetched(pair: Pair, site: (typeof sites)[number], playlist: string): Promise<string> {
  const text = await textAt(playlist)
  const [, map = '', header = ''] = /#EXT-X-MAP:URI="(.+?)",BYTERANGE="(\d+)@0"/.exec(text) ?? []
  const segments = [...text.matchAll(/#EXT-X-BYTERANGE:(\d+)@(\d+)\n(.+)/g)]
  expect(segments.length).toBe(3)
  const parts = [await bytesAt(map, 0, Number(header))]
  for (const [, bytes, at, url = ''] of segments) {
    expect(url.startsWith(`${pair.clouds.urls[site].edge}/`)).toBe(true)
    parts.push(await bytesAt(new URL(url, playlist).href, Number(at), Number(bytes)))
  }
  const path = join(pair.folder, `${unique('played')}.mp4`)
  await writeFile(path, Buffer.concat(parts))
  return path
}

async function bytesAt(url: string, at: number, bytes: number): Promise<Uint8Array> {
  const answer = await fetch(url, { headers: { range: `bytes=${at}-${at + bytes - 1}` } })
  const body = await answer.bytes()
  expect([answer.status, body.length]).toEqual([206, bytes])
  expect(answer.headers.get('content-type')).toMatch(/^(video|audio)\/mp4/)
  return body
}

/** What the decoder says of the file once it has decoded all of it without a complaint. */
async function decoded(path: string, track: string): Promise<string> {
  const strict = ['-nostdin', '-loglevel', 'error', '-xerror', '-i', path, '-map', track]
  const { stdout } = await call(ffmpeg, [...strict, '-f', 'null', '-progress', 'pipe:1', '/dev/null'])
  return stdout
}

const framesOf = async (pair: Pair, site: (typeof sites)[number], playlist: string): Promise<number> =>
  Number([...(await decoded(await fetched(pair, site, playlist), '0:v')).matchAll(/^frame=(\d+)/gm)].at(-1)?.[1])

const secondsOf = async (pair: Pair, site: (typeof sites)[number], playlist: string): Promise<number> =>
  Number([...(await decoded(await fetched(pair, site, playlist), '0:a')).matchAll(/out_time_ms=(\d+)/g)].at(-1)?.[1]) /
  1e6
