import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from '@jest/globals'
import type { Asset } from '../../../local/tour/upload.ts'
import { until } from '../../../local/tour/until.ts'
import type { Site } from '../../../shared/domain/site.ts'
import { sendDirect, untilReadyAtBoth } from '../assets-tools.ts'
import { type Pair, sites, unique } from '../pair.ts'
import { ffmpeg, playbackOf, textAt } from '../player.ts'

const english = `1
00:00:00,500 --> 00:00:01,250
Two hulls

2
00:00:01,500 --> 00:00:02,750
<b>one</b> deck
`
const german = `1
00:00:00,400 --> 00:00:01,300
Zwei Rümpfe
`
/** What a player is to show in each language. */
const shown = {
  eng: 'WEBVTT\n\n00:00:00.500 --> 00:00:01.250\nTwo hulls\n\n00:00:01.500 --> 00:00:02.750\n<b>one</b> deck\n',
  de: 'WEBVTT\n\n00:00:00.400 --> 00:00:01.300\nZwei Rümpfe\n',
}

/** A track inside a film that comes to one site, and a file beside it that comes to the other. */
export function captionsSuite(pair: () => Pair): void {
  describe('captions', () => {
    let id: string
    beforeAll(async () => {
      const { aws, azure } = pair().apis
      const film = await sendDirect(aws, unique('captions.mp4'), await captionedFilm(pair().folder), 'video/mp4')
      const subtitles = await sendDirect(azure, unique('german.srt'), german, 'application/x-subrip')
      id = film.id
      const { etag } = await untilReadyAtBoth(pair(), id)
      await untilReadyAtBoth(pair(), subtitles.id)
      const headers = { 'if-match': etag, 'content-type': 'application/merge-patch+json' }
      const content = JSON.stringify({ labels: { 'captions-de': subtitles.id } })
      await azure.call('PATCH', `/v1/assets/${id}`, { content, headers, status: 200 })
      const isLabelled = async (): Promise<boolean> =>
        (await aws.get<Asset>(`/v1/assets/${id}`)).labels['captions-de'] === subtitles.id
      await until('the label at aws', isLabelled)
    }, 175_000)

    test.each(sites)('%s shows them to players of HLS, word for word and in time', async (site) => {
      const { hls } = await playbackOf(pair(), site, id)
      const master = await textAt(hls)
      const tracks = [
        ...master.matchAll(/^#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="(.+?)",.*LANGUAGE="(.+?)",.*URI="(.+?)"$/gm),
      ]
      expect(tracks.map(([, group, language]) => [group, language])).toEqual([
        ['captions', 'eng'],
        ['captions', 'de'],
      ])
      for (const line of master.match(/^#EXT-X-STREAM-INF:.+$/gm) ?? [''])
        expect(line).toContain('SUBTITLES="captions"')
      const texts = tracks.map(async ([, , language, playlist = '']) => [
        language,
        await segmentsOf(pair(), site, new URL(playlist, hls)),
      ])
      expect(Object.fromEntries(await Promise.all(texts))).toEqual(shown)
    })

    test.each(sites)('%s shows the same to players of DASH', async (site) => {
      const { dash } = await playbackOf(pair(), site, id)
      const sets = [
        ...(await textAt(dash)).matchAll(
          /<AdaptationSet [^>]*mimeType="text\/vtt" lang="(.+?)">.+?<BaseURL>(.+?)<\/BaseURL>/g,
        ),
      ]
      const texts = sets.map(async ([, language, url = '']) => [
        language,
        await vttAt(pair(), site, url.replaceAll('&amp;', '&')),
      ])
      expect(Object.fromEntries(await Promise.all(texts))).toEqual(shown)
    })
  })
}

async function captionedFilm(folder: string): Promise<Uint8Array<ArrayBuffer>> {
  const [film, subtitles] = [join(folder, `${unique('captions')}.mp4`), join(folder, `${unique('english')}.srt`)]
  await writeFile(subtitles, english)
  const inputs = ['-f', 'lavfi', '-i', 'testsrc=d=3:s=320x180:r=5', '-i', subtitles]
  const codecs = '-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:s mov_text -metadata:s:s:0 language=eng'.split(' ')
  await ffmpeg(...inputs, ...codecs, film)
  return new Uint8Array(await readFile(film))
}

/** The one segment of a playlist of text, which is as long as the film. */
async function segmentsOf(pair: Pair, site: Site, playlist: URL): Promise<string> {
  const segments = [...(await textAt(playlist.href)).matchAll(/^#EXTINF:(.+),\n(.+)$/gm)]
  expect(segments.map(([, seconds]) => Number(seconds))).toEqual([3])
  return vttAt(pair, site, segments[0]?.[2] ?? '')
}

/** A file of text as this site's edge gives it. */
async function vttAt(pair: Pair, site: Site, url: string): Promise<string> {
  expect(url.startsWith(`${pair.clouds.urls[site].edge}/`)).toBe(true)
  return textAt(url, /^text\/vtt/)
}
