import type { Api } from '../tour/api.ts'
import { untilReady, uploadRandom } from './files.ts'
import { listAll } from './pages.ts'

/** What a site held before the other one was emptied, by name. */
export interface Content {
  /** Version of each record. */
  readonly records: ReadonlyMap<string, string>
  /** SHA-256 of each asset. */
  readonly objects: ReadonlyMap<string, string>
}

const collection = 'refilled'
const recordsPath = `/v1/collections/${collection}/records`
const writersMax = 8

/** Writes records, deletes every tenth of them again, and uploads files. */
export async function fill(api: Api, folder: string, records: number, objects: number): Promise<Content> {
  const numbers = Array.from({ length: records }, (_, n) => n)
  await Promise.all(
    Array.from({ length: writersMax }, async (_, writer) => {
      for (const n of numbers.filter((each) => each % writersMax === writer)) await writeOne(api, n)
    }),
  )
  const digests = new Map<string, string>()
  for (let n = 0; n < objects; n++) digests.set(`refilled-${n}`, await uploadRandom(api, folder, `refilled-${n}`))
  for (const id of digests.keys()) await untilReady(api, id)
  return { records: await recordsOf(api), objects: digests }
}

async function writeOne(api: Api, n: number): Promise<void> {
  const path = `${recordsPath}/r${n}`
  const { headers } = await api.call('PUT', path, { json: { n }, headers: { 'if-none-match': '*' }, status: 201 })
  if (n % 10 === 0)
    await api.call('DELETE', path, { headers: { 'if-match': headers.get('etag') ?? '' }, status: [200, 204] })
}

export async function recordsOf(api: Api): Promise<Map<string, string>> {
  const items = await listAll<{ readonly id: string; readonly etag: string }>(api, `${recordsPath}?limit=1000`)
  return new Map(items.map(({ id, etag }) => [id, etag]))
}
