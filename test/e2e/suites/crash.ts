import { beforeAll, describe, expect, test } from '@jest/globals'
import { execFile } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeSamples, type Sample } from '../../../local/samples/make.ts'
import type { Api } from '../../../local/tour/api.ts'
import { type Asset, continueUpload, uploadFile } from '../../../local/tour/upload.ts'
import { until } from '../../../local/tour/until.ts'
import { sampleFolder } from '../../../local/tour.ts'
import type { UploadPlan } from '../../../shared/core/uploads.ts'
import { findFfmpeg } from '../../../shared/media/ffmpeg-path.ts'
import { randomFile, untilReadyAtBoth, untilStatus } from '../assets-tools.ts'
import { type Pair, peerSite, sites, unique } from '../pair.ts'

/** A lease (30 s) must end and be noticed before another run takes over. */
const recoveryMsMax = 150_000
/** The same, and the whole conversion once more. */
const takeoverMsMax = 240_000
const batchLines = 400

interface RecordView {
  readonly id: string
  readonly etag: string
}

export function crashSuite(pair: () => Pair): void {
  let samples: Sample[] = []
  beforeAll(async () => {
    samples = await makeSamples(sampleFolder)
  }, 180_000)

  describe.each(sites)('the host of %s is killed', (site) => {
    const here = () => pair().apis[site]
    const killHost = async (): Promise<void> => {
      const { clouds } = pair()
      const before = clouds.pids[`${site}-host`]
      await clouds.kill(`${site}-host`)
      await clouds.whenReady(`${site}-host`)
      expect(clouds.pids[`${site}-host`]).not.toBe(before)
    }

    test('in the middle of an upload: it goes on where it was', async () => {
      const file = await randomFile(pair(), 17_000_000)
      const id = unique('crash-upload')
      const { path, ...facts } = file
      const asset = {
        ...facts,
        id,
        name: 'crash.bin',
        mediaType: 'application/octet-stream',
        upload: 'multipart',
      } as const
      const created = await here().call<{ upload: UploadPlan }>('POST', '/v1/assets', { json: asset, status: 201 })
      const plan = created.body.upload
      if (plan.kind !== 'multipart') throw new Error(`a plan of the kind ${plan.kind}`)
      const content = await readFile(path)
      const [first, second] = plan.requests
      const send = (part: number, url: string, headers: Readonly<Record<string, string>>): Promise<Response> =>
        fetch(url, {
          method: 'PUT',
          headers,
          body: content.subarray((part - 1) * plan.partBytes, part * plan.partBytes),
        })
      expect((await send(1, first?.request.url ?? '', first?.request.headers ?? {})).ok).toBe(true)
      const [sent] = await Promise.all([send(2, second?.request.url ?? '', second?.request.headers ?? {}), killHost()])
      expect(sent.ok).toBe(true)
      await continueUpload(here(), id, path)
      expect((await untilReadyAtBoth(pair(), id, recoveryMsMax)).sha256).toBe(facts.sha256)
    }, 240_000)

    test('in the middle of a replication batch, and then that of the other site: both converge', async () => {
      const collection = unique('crash-batch')
      const content = Array.from({ length: batchLines }, (_, n) =>
        JSON.stringify({ op: 'put', id: `r${String(n).padStart(4, '0')}`, body: { n, text: 'x'.repeat(200) } }),
      ).join('\n')
      const headers = { 'content-type': 'application/x-ndjson', 'idempotency-key': unique('batch') }
      const write = () =>
        here().call<string>('POST', `/v1/collections/${collection}/batch`, { content, headers, timeoutMs: 60_000 })
      const written = write().catch(() => undefined)
      await until('the batch has begun', async () => (await countOf(here(), collection)) > 20)
      await killHost()
      await written
      const answers = (await write()).body
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { status: number })
      expect(answers.filter(({ status }) => status !== 200 && status !== 201)).toEqual([])
      await pair().clouds.kill(`${peerSite(site)}-host`)
      await pair().clouds.whenReady(`${peerSite(site)}-host`)
      await untilSame(pair(), collection, batchLines)
    }, 180_000)
  })

  test('both hosts are killed in the middle of a conversion: both films are ready in the end', async () => {
    const clip = samples.find((each) => each.kind === 'video')
    if (!clip) throw new Error('there is no film among the samples')
    const bytes = (await readFile(clip.file)).byteLength
    const begun: string[] = []
    for (const site of sites) {
      const id = unique(`crash-film-${site}`)
      const asset = { id, name: 'clip.mp4', mediaType: clip.mediaType, bytes, upload: 'multipart' } as const
      await uploadFile(pair().apis[site], asset, clip.file)
      await untilStatus(pair().apis[site], id, ['processing'])
      await pair().clouds.kill(`${site}-host`)
      begun.push(id)
    }
    for (const site of sites) await pair().clouds.whenReady(`${site}-host`)
    for (const id of begun) {
      const view = await untilReadyAtBoth(pair(), id, recoveryMsMax)
      expect(view.renditions.map(({ name }) => name)).toEqual(expect.arrayContaining(['poster']))
      expect(await sameRenditions(pair(), id)).toBe(true)
    }
  }, 400_000)

  test('a whole site goes away in the middle of a conversion: the other one finishes the film', async () => {
    const { apis, clouds, folder } = pair()
    const file = await longFilm(folder)
    const id = unique('takeover')
    const { size: bytes } = await stat(file)
    const asset = { id, name: 'long.mp4', mediaType: 'video/mp4', bytes, upload: 'multipart' } as const
    await uploadFile(apis.aws, asset, file)
    const original = async (): Promise<boolean> => {
      const { body } = await apis.azure.call<Asset>('GET', `/v1/assets/${id}`)
      if (body.status === 'ready') throw new Error('The film was ready before the site could be stopped.')
      return body.status === 'processing' && body.bytesHere
    }
    await until('the original at azure', original, { timeoutMs: 60_000, everyMs: 50 })
    await clouds.stopSite('aws')
    try {
      expect((await apis.azure.get<Asset>(`/v1/assets/${id}`)).status).toBe('processing')
      const view = await untilStatus(apis.azure, id, ['ready'], takeoverMsMax)
      expect(view.renditions.map(({ name }) => name)).toEqual(expect.arrayContaining(['poster', 'video-h264-720']))
    } finally {
      await clouds.startSite('aws')
    }
    await untilReadyAtBoth(pair(), id, recoveryMsMax)
    // The site that comes back may finish its own run before it hears that there is no need: then one of the two wins.
    await untilSameRenditions(pair(), id)
  }, 400_000)

  /** The sample film twice over, so that its conversion takes longer than its way to the other site. */
  async function longFilm(folder: string): Promise<string> {
    const clip = samples.find((each) => each.kind === 'video')
    const ffmpeg = findFfmpeg({ configured: process.env.FFMPEG_PATH, searchPath: process.env.PATH })
    if (!clip || !ffmpeg) throw new Error('there is no film among the samples, or no ffmpeg')
    const path = join(folder, 'long.mp4')
    const input = ['-hide_banner', '-nostdin', '-loglevel', 'error', '-y', '-stream_loop', '1', '-i', clip.file]
    await promisify(execFile)(ffmpeg, [...input, '-c', 'copy', path])
    return path
  }
}

async function untilSameRenditions({ apis }: Pair, id: string): Promise<void> {
  let seen: unknown
  const same = async (): Promise<boolean> => {
    const [aws, azure] = await Promise.all(sites.map((site) => apis[site].get<Asset>(`/v1/assets/${id}`)))
    seen = { aws: aws?.renditions, azure: azure?.renditions }
    return JSON.stringify(aws?.renditions) === JSON.stringify(azure?.renditions)
  }
  await until('the same renditions at both sites', same, { timeoutMs: recoveryMsMax, everyMs: 500, seen: () => seen })
}

async function sameRenditions({ apis }: Pair, id: string): Promise<boolean> {
  const [aws, azure] = await Promise.all(sites.map((site) => apis[site].get<Asset>(`/v1/assets/${id}`)))
  return JSON.stringify(aws?.renditions) === JSON.stringify(azure?.renditions)
}

async function listAll(api: Api, collection: string): Promise<RecordView[]> {
  const page = await api.get<{ items: RecordView[] }>(`/v1/collections/${collection}/records?limit=1000`)
  return page.items.map(({ id, etag }) => ({ id, etag }))
}

const countOf = async (api: Api, collection: string): Promise<number> => (await listAll(api, collection)).length

async function untilSame({ apis }: Pair, collection: string, count: number): Promise<void> {
  let seen: unknown
  const same = async (): Promise<boolean> => {
    const [aws = [], azure = []] = await Promise.all(sites.map((site) => listAll(apis[site], collection)))
    seen = { aws: aws.length, azure: azure.length }
    return aws.length === count && JSON.stringify(aws) === JSON.stringify(azure)
  }
  await until(`${count} records of ${collection} the same at both sites`, same, {
    timeoutMs: 90_000,
    everyMs: 500,
    seen: () => seen,
  })
}
