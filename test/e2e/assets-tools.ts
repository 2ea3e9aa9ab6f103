import { createHash, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Api, Unexpected } from '../../local/tour/api.ts'
import type { Asset } from '../../local/tour/upload.ts'
import { until } from '../../local/tour/until.ts'
import { type Pair, unique } from './pair.ts'

export interface Problem {
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly errors?: readonly { pointer: string; detail: string }[]
}

export interface Bytes {
  readonly path: string
  readonly bytes: number
  readonly sha256: string
}

export const sha256Of = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex')

/** A file of random bytes, so that nothing can be mistaken for something else. */
export async function randomFile(pair: Pair, bytes: number): Promise<Bytes> {
  const data = randomBytes(bytes)
  const path = join(pair.folder, unique('random'))
  await writeFile(path, data)
  return { path, bytes, sha256: sha256Of(data) }
}

/** Resolves with the asset once it is in one of these states. Throws at once at `failed` unless that is awaited. */
export async function untilStatus(
  api: Api,
  id: string,
  statuses: readonly Asset['status'][],
  timeoutMs = 100_000,
): Promise<Asset> {
  let seen: Asset | undefined
  const probe = async (): Promise<Asset | undefined> => {
    const { status, body } = await api.call<Asset>('GET', `/v1/assets/${id}`, { status: [200, 404] })
    seen = status === 200 ? body : undefined
    return seen && [...statuses, 'failed'].includes(seen.status) ? seen : undefined
  }
  const wanted = `asset ${id} ${statuses.join(' or ')} at ${api.site}`
  const asset = await until(wanted, probe, { timeoutMs, seen: () => seen ?? 'absent' })
  if (!statuses.includes(asset.status)) throw new Unexpected(wanted, 'not failed', JSON.stringify(asset.error))
  return asset
}

/** Ready at both sites, with its bytes. Throws Unexpected that tells how each site stands. */
export async function untilReadyAtBoth(pair: Pair, id: string, timeoutMs = 100_000): Promise<Asset> {
  try {
    return await readyAtBoth(pair, id, timeoutMs)
  } catch (error) {
    const stand = await Promise.all(Object.values(pair.apis).map((api) => standOf(api, id)))
    throw new Unexpected(`asset ${id}`, 'ready at both sites', `${(error as Error).message}\n${stand.join('\n')}`)
  }
}

/** The asset and the state of replication, as this site tells. */
async function standOf(api: Api, id: string): Promise<string> {
  const [asset, replication] = await Promise.allSettled([
    api.call('GET', `/v1/assets/${id}`),
    api.call('GET', '/v1/replication'),
  ])
  return `${api.site}: ${JSON.stringify([asset, replication])}`
}

async function readyAtBoth(pair: Pair, id: string, timeoutMs: number): Promise<Asset> {
  const isHere = async (api: Api): Promise<Asset> => {
    await untilStatus(api, id, ['ready'], timeoutMs)
    const probe = async (): Promise<Asset | undefined> => {
      const view = await api.get<Asset>(`/v1/assets/${id}`)
      return view.bytesHere ? view : undefined
    }
    return until(`the bytes of ${id} at ${api.site}`, probe, { timeoutMs })
  }
  const view = await isHere(pair.apis.aws)
  await isHere(pair.apis.azure)
  return view
}

/** Sends a small file in the request itself. */
export async function sendDirect(
  api: Api,
  name: string,
  content: Uint8Array<ArrayBuffer> | string,
  mediaType: string,
): Promise<Asset> {
  const options = { content, headers: { 'content-type': mediaType }, status: 202 }
  return (await api.call<{ asset: Asset }>('POST', `/v1/assets?name=${encodeURIComponent(name)}`, options)).body.asset
}
