import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { until } from '../../../local/tour/until.ts'
import { type Asset, uploadFile } from '../../../local/tour/upload.ts'
import type { JobBody } from '../../../shared/domain/asset.ts'
import type { Site } from '../../../shared/domain/site.ts'
import { sha256Of, untilReadyAtBoth } from '../assets-tools.ts'
import { filmJobs } from '../film-jobs.ts'
import { type Pair, sites, unique } from '../pair.ts'
import { fetched, ffmpeg, frameTimes, masterAt, playbackOf, secondsOf } from '../player.ts'

const seconds = 32
const framesPerSecond = 25

/** A film that is long for the clouds of this machine: see FILM_PART_PIXELS in `pair.ts`. */
export function longFilmsSuite(pair: () => Pair): void {
  describe('a long film', () => {
    const id = unique('long-film')
    const seen: Record<Site, number[]> = { aws: [], azure: [] }
    let parts: JobBody[] = []
    beforeAll(async () => {
      const file = await longFilm(pair().folder)
      const { size: bytes } = await stat(file)
      const asset = { id, name: 'long.mkv', mediaType: 'video/matroska', bytes, upload: 'single' } as const
      await uploadFile(pair().apis.azure, asset, file)
      using jobs = filmJobs(pair(), id)
      const isReady = async (): Promise<boolean> => {
        await jobs.wake()
        const views = await Promise.all(sites.map((site) => viewAt(pair(), site, id)))
        for (const [index, site] of sites.entries()) {
          const progress = views[index]?.progress
          if (progress !== undefined && seen[site].at(-1) !== progress) seen[site].push(progress)
        }
        return views.every((view) => view?.status === 'ready' || view?.status === 'failed')
      }
      await until('the film', isReady, { timeoutMs: 200_000, everyMs: 500, seen: () => seen })
      await untilReadyAtBoth(pair(), id)
      parts = await jobs.parts()
    }, 240_000)

    test('is made in parts by jobs of their own', () => {
      expect(parts.length).toBeGreaterThanOrEqual(5)
      expect(parts.filter(({ state, site, part }) => state !== 'done' || site !== 'azure' || !part?.files)).toEqual([])
      const rung = parts.flatMap(({ part }) => part?.files?.filter(({ name }) => name === 'cmaf-h264-720') ?? [])
      expect(rung.length).toBeGreaterThanOrEqual(3)
    })

    test.each(sites)('%s tells how far it is while it is made', (site) => {
      expect(seen[site]).toEqual(seen[site].toSorted((a, b) => a - b))
      expect(seen[site].filter((progress) => progress > 0 && progress < 1).length).toBeGreaterThanOrEqual(2)
    })

    test.each(sites)('%s plays every frame of it once, at its time, and all of the sound', async (site) => {
      const { hls } = await playbackOf(pair(), site, id)
      const { pictures, sound } = await masterAt(hls)
      expect(pictures.map((each) => each.split('/').at(-1) ?? '').sort()).toEqual(
        [270, 480, 720].map((rung) => `cmaf-h264-${rung}.m3u8`),
      )
      const every = [...Array(seconds * framesPerSecond).keys()]
      for (const picture of pictures) {
        expect(await frameTimes((await fetched(pair(), site, picture)).path)).toEqual(every)
      }
      expect(Math.abs((await secondsOf((await fetched(pair(), site, sound)).path)) - seconds)).toBeLessThan(0.1)
    })

    test('is the same at both sites, byte for byte', async () => {
      const [aws, azure] = await Promise.all(sites.map((site) => viewAt(pair(), site, id)))
      expect(aws?.renditions.map(({ name }) => name)).toContain('video-h264-720')
      expect(aws?.renditions).toEqual(azure?.renditions)
      for (const { name, sha256 } of aws?.renditions ?? []) {
        for (const site of sites)
          expect([name, sha256Of(await renditionAt(pair(), site, id, name))]).toEqual([name, sha256])
      }
    })
  })
}

/** Mostly still, so that it is quickly made; in a form that no phone plays, so that it must be. */
async function longFilm(folder: string): Promise<string> {
  const path = join(folder, `${unique('long')}.mkv`)
  const picture = ['-f', 'lavfi', '-i', `testsrc=d=${seconds}:s=320x180:r=${framesPerSecond},pad=1280:720`]
  const sound = ['-f', 'lavfi', '-i', `sine=d=${seconds}`]
  const codecs = '-c:v libx264 -preset ultrafast -g 25 -pix_fmt yuv422p -c:a flac'.split(' ')
  await ffmpeg(...picture, ...sound, ...codecs, path)
  return path
}

async function viewAt({ apis }: Pair, site: Site, id: string): Promise<Asset | undefined> {
  const { status, body } = await apis[site].call<Asset>('GET', `/v1/assets/${id}`, { status: [200, 404] })
  return status === 200 ? body : undefined
}

async function renditionAt({ apis }: Pair, site: Site, id: string, name: string): Promise<Uint8Array> {
  const { headers } = await apis[site].call('GET', `/v1/assets/${id}/renditions/${name}`, { status: 307 })
  const answer = await fetch(headers.get('location') ?? '')
  expect(answer.status).toBe(200)
  return answer.bytes()
}
