import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { completeUpload, createAsset, getAsset } from '../../shared/core/assets.ts'
import { runJob } from '../../shared/core/jobs.ts'
import { mediaConverter } from '../../shared/media/converter.ts'
import { findFfmpeg } from '../../shared/media/ffmpeg-path.ts'
import { ffmpegRunner } from '../../shared/media/ffmpeg.ts'
import { faultsOf, ingestWorld, tenant, type IngestSite, type IngestWorld } from './ingest-world.ts'

const never = new AbortController().signal
const program = findFfmpeg({}) ?? 'ffmpeg'
const room = 13_000_000

describe('films larger than the disk of a worker', () => {
  let world: IngestWorld
  let folder: string
  let film: Buffer
  /** Bytes that were read of originals, by what was asked for. */
  let whole: number
  let ranges: number[]

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'large-films-'))
    const words =
      '-f lavfi -i testsrc=s=160x120:r=10:d=24 -f lavfi -i sine=d=24 -c:a aac -c:v libx264 -preset ultrafast -g 10 -bf 2 ' +
      '-b:v 6M -minrate 6M -maxrate 6M -bufsize 1M -nal-hrd cbr'
    const path = join(folder, 'film.mp4')
    await promisify(execFile)(program, ['-nostdin', '-loglevel', 'error', ...words.split(' '), path])
    film = await readFile(path)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))
  beforeEach(async () => {
    const converter = mediaConverter({ ffmpeg: ffmpegRunner({ path: program }), partPixelsMax: 40 * 1.3 * 160 * 120 })
    world = await ingestWorld({ converter })
    whole = 0
    ranges = []
    for (const site of [world.aws, world.azure]) {
      Object.assign(site.work, { workFileBytesMax: room })
      const get = site.objects.get.bind(site.objects)
      site.objects.get = async (key, range, signal) => {
        const body = await get(key, range, signal)
        if (body?.mediaType === 'video/mp4' && body.bytes === film.length) {
          if (range) ranges.push(range.last - range.first + 1)
          else whole++
        }
        return body
      }
    }
  })
  afterEach(() => world.close())

  const create = async (bytes: Buffer): Promise<string> => {
    const { services, objects } = world.aws
    const input = { name: 'film.mp4', mediaType: 'video/mp4', upload: 'single' } as const
    const { asset, upload } = await createAsset(services, tenant, input)
    if (upload.kind !== 'single') throw new Error(upload.kind)
    await objects.fetch(upload.request.url, { method: 'PUT', body: bytes })
    await completeUpload(services, tenant, asset.id)
    return asset.id
  }
  const work = async (site: IngestSite): Promise<boolean> => {
    const delivery = site.queue.receive()
    if (!delivery) return false
    delivery.acknowledge()
    await runJob(site.services, site.work, delivery.message, never)
    return true
  }

  test('are verified once without a disk, and made of ranges', async () => {
    expect(film.length).toBeGreaterThan(1.3 * room)
    const id = await create(film)
    await world.settle()
    const asset = await getAsset(world.azure.services, tenant, id)
    expect(asset?.error).toBeUndefined()
    expect(asset).toMatchObject({ status: 'ready', bytesHere: true, properties: { width: 160, durationMs: 24_000 } })
    // Whoever looked at it had none of its sound: one channel of a tone, 18 decibels below full scale.
    const { loudnessLufs, peakDb } = asset?.properties ?? {}
    expect(Math.abs(Number(loudnessLufs) + 21)).toBeLessThan(1)
    expect(Math.abs(Number(peakDb) + 18)).toBeLessThan(1)
    const names = asset?.renditions.map(({ name }) => name)
    expect(names).toEqual(['cmaf-aac', 'cmaf-h264-120', 'poster', 'preview', 'sprite', 'video-h264-120'])
    for (const { properties } of asset?.renditions.filter(({ name }) => name.includes('h264')) ?? []) {
      expect(properties).toMatchObject({ width: 160, height: 120 })
      expect(Math.abs(Number(properties['durationMs']) - 24_000)).toBeLessThan(100)
    }
    // By whoever verified it, and by whoever copied it to the other site.
    expect(whole).toBeLessThanOrEqual(2)
    expect(faultsOf(world)).toEqual([])
  }, 60_000)

  test('are not made of other bytes that were put in the place of those that were verified', async () => {
    const id = await create(film)
    await work(world.aws)
    const original = world.aws.objects.all().find(({ info }) => info.key.startsWith('objects/'))
    if (!original) throw new Error('no original')
    const other = Buffer.from(film)
    other.fill(0, film.length / 3, film.length / 2)
    const { key, metadata } = original.info
    await world.aws.objects.remove(key)
    await world.aws.objects.put(key, other, { mediaType: 'video/mp4', metadata })
    while (await work(world.aws));
    expect(await getAsset(world.aws.services, tenant, id)).toMatchObject({
      status: 'failed',
      error: { code: 'too-large' },
    })
  }, 60_000)

  test('in containers without such an index are kept as they are', async () => {
    const id = await create(Buffer.concat([Buffer.from('FLV\x01'), film]))
    await world.settle()
    expect(await getAsset(world.aws.services, tenant, id)).toMatchObject({
      status: 'ready',
      renditions: [],
      properties: { note: expect.stringMatching(/larger/) },
    })
  })
})
