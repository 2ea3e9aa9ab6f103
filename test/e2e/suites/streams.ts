import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { sendDirect, untilReadyAtBoth } from '../assets-tools.ts'
import { type Pair, sites, unique } from '../pair.ts'
import { fetched, ffmpeg, frameTimes, masterAt, playbackOf, secondsOf, textAt } from '../player.ts'

const frames = 45
const seconds = 9

export function streamsSuite(pair: () => Pair): void {
  describe('streams', () => {
    let id: string
    beforeAll(async () => {
      const film = join(pair().folder, `${unique('film')}.mkv`)
      const picture = ['-f', 'lavfi', '-i', `testsrc=d=${seconds}:s=848x480:r=5`]
      const sound = ['-f', 'lavfi', '-i', `sine=d=${seconds}`]
      const codecs = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'flac']
      await ffmpeg(...picture, ...sound, ...codecs, film)
      const bytes = new Uint8Array(await readFile(film))
      id = (await sendDirect(pair().apis.aws, unique('film.mkv'), bytes, 'video/matroska')).id
      await untilReadyAtBoth(pair(), id)
    }, 175_000)

    test.each(sites)('%s streams a film: every rung and the sound, from its edge, whole', async (site) => {
      const { hls, dash } = await playbackOf(pair(), site, id)
      expect(hls.startsWith(pair().clouds.urls[site].api)).toBe(true)
      const { pictures, sound } = await masterAt(hls)
      expect(pictures.map((each) => each.split('/').at(-1) ?? '').sort()).toEqual([
        'cmaf-h264-270.m3u8',
        'cmaf-h264-480.m3u8',
      ])
      for (const picture of pictures) {
        const { path, segments } = await fetched(pair(), site, picture)
        expect([segments, await frameTimes(path)]).toEqual([3, [...Array(frames).keys()]])
      }
      const { path, segments } = await fetched(pair(), site, sound)
      expect(segments).toBe(3)
      expect(Math.abs((await secondsOf(path)) - seconds)).toBeLessThan(0.1)
      const manifest = await textAt(dash)
      const urls = [...manifest.matchAll(/<BaseURL>(.+?)<\/BaseURL>/g)].map(([, url = '']) =>
        url.replaceAll('&amp;', '&'),
      )
      expect(urls).toHaveLength(3)
      for (const url of urls) expect((await fetch(url, { headers: { range: 'bytes=0-7' } })).status).toBe(206)
    })
  })
}
