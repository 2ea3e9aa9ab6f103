import { createHash, randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Api } from '../tour/api.ts'
import { until } from '../tour/until.ts'
import { uploadFile } from '../tour/upload.ts'

const readyMsMax = 180_000
const fileBytes = 200_000

/** Uploads a file of random bytes as the asset `id`, to be ready in a moment, and gives its SHA-256. */
export async function uploadRandom(api: Api, folder: string, id: string): Promise<string> {
  const bytes = randomBytes(fileBytes + Math.floor(Math.random() * fileBytes))
  const path = join(folder, id)
  await mkdir(folder, { recursive: true })
  await writeFile(path, bytes)
  const asset = { id, name: `${id}.bin`, mediaType: 'application/octet-stream', bytes: bytes.byteLength }
  await uploadFile(api, { ...asset, upload: 'single' }, path)
  return sha256Of(bytes)
}

export const untilReady = (api: Api, id: string): Promise<unknown> =>
  until(
    `${id} ready at ${api.site}`,
    async () => (await api.get<{ status: string }>(`/v1/assets/${id}`)).status === 'ready',
    { timeoutMs: readyMsMax, everyMs: 250 },
  )

/** Names of assets whose bytes this site's own edge does not give out as they were, by their SHA-256. */
export async function lackingAt(api: Api, edgeUrl: string, objects: ReadonlyMap<string, string>): Promise<string[]> {
  const lacking: string[] = []
  for (const [id, sha256] of objects) {
    const { headers } = await api.call('GET', `/v1/assets/${id}/content`)
    const location = headers.get('location') ?? ''
    const answer = location.startsWith(edgeUrl) ? await fetch(location) : undefined
    const bytes = answer?.ok ? Buffer.from(await answer.arrayBuffer()) : Buffer.alloc(0)
    if (sha256Of(bytes) !== sha256) lacking.push(id)
  }
  return lacking
}

export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
