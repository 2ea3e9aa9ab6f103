import { beforeAll, describe, expect, test } from '@jest/globals'
import { readFile } from 'node:fs/promises'
import { makeSamples, type Sample } from '../../../local/samples/make.ts'
import type { Api } from '../../../local/tour/api.ts'
import { type Asset, continueUpload, uploadFile } from '../../../local/tour/upload.ts'
import { until } from '../../../local/tour/until.ts'
import { sampleFolder } from '../../../local/tour.ts'
import type { UploadPlan } from '../../../shared/core/uploads.ts'
import { randomFile, untilReadyAtBoth, untilStatus } from '../assets-tools.ts'
import { type Pair, peerSite, sites, unique } from '../pair.ts'

/** A lease (30 s) must end and be noticed before another run takes over. */
const recoveryMsMax = 150_000
const batchLines = 400

interface RecordView {
  readonly id: string
  readonly etag: string
}

export function crashSuite(pair: () => Pair): void {
  let samples: Sample[] = []
  beforeAll(async () => {
    samples = await makeSamples(sampleFolder)
  }, 60_000)

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
