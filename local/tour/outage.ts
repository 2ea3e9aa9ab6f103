import type { Clouds } from '../supervisor/clouds.ts'
import { type Api, Unexpected } from './api.ts'
import { type Apis, create, untilEqual } from './both-sides.ts'
import type { Progress } from './progress.ts'
import type { Asset } from './upload.ts'
import { until } from './until.ts'
import { download } from './verify.ts'

const catchUpMsMax = 60_000

/** Azure stops, AWS goes on taking records and files, Azure starts again and catches up by itself. */
export async function showOutage(clouds: Clouds, apis: Apis, run: string, progress: Progress): Promise<void> {
  progress.say('stopping azure: its API, stores, queue and edge')
  await clouds.stopSite('azure')
  try {
    await assertDown(apis.azure)
    const ids = Array.from({ length: 10 }, (_, index) => `alone-${run}-${index}`)
    for (const id of ids) await create(apis.aws, id, { written: 'while azure was down' })
    const asset = await createAsset(apis.aws, run)
    const { status } = await apis.aws.get<{ status: string }>('/v1/health/ready')
    progress.say(`aws goes on alone: ${ids.length} records and a file written, its health is "${status}"`)
    await clouds.startSite('azure')
    progress.say('azure is back')
    const began = performance.now()
    await untilEqual(apis, ids, catchUpMsMax)
    await untilBytes(apis.azure, asset, clouds.urls.azure.edge)
    progress.say(
      `azure caught up in ${((performance.now() - began) / 1000).toFixed(1)} s: every record, and the bytes of the file`,
    )
  } finally {
    // Whoever stops the tour stops the clouds: nothing may start behind that.
    if (!apis.azure.signal?.aborted) await clouds.startSite('azure')
  }
}

async function assertDown(api: Api): Promise<void> {
  const answered = await api.call('GET', '/v1/health/live', { timeoutMs: 2_000 }).then(
    ({ status }) => status,
    () => undefined,
  )
  if (answered !== undefined) throw new Unexpected('azure after it was stopped', 'no answer', String(answered))
}

async function createAsset(api: Api, run: string): Promise<Asset> {
  const { body } = await api.call<{ asset: Asset }>('POST', `/v1/assets?name=alone-${run}.txt`, {
    content: `written at ${new Date().toISOString()} while azure was down\n`.repeat(100),
    headers: { 'content-type': 'text/plain', 'idempotency-key': `alone-${run}` },
    status: 202,
  })
  return body.asset
}

async function untilBytes(api: Api, { id }: Asset, edgeUrl: string): Promise<void> {
  let seen: Asset | undefined
  const here = async (): Promise<boolean> => {
    const { status, body } = await api.call<Asset>('GET', `/v1/assets/${id}`, { status: [200, 404] })
    seen = status === 200 ? body : undefined
    return seen?.status === 'ready' && seen.bytesHere
  }
  await until(`the file written meanwhile at ${api.site}`, here, {
    timeoutMs: catchUpMsMax,
    signal: api.signal,
    seen: () => seen ?? 'absent',
  })
  const { sha256 } = await download(api, `/v1/assets/${id}/content`, edgeUrl)
  if (sha256 !== seen?.sha256) throw new Unexpected(`SHA-256 of the file at ${api.site}`, String(seen?.sha256), sha256)
}
