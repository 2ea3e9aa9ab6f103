import { createHash, randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Api } from '../tour/api.ts'
import { until } from '../tour/until.ts'
import { uploadFile } from '../tour/upload.ts'

/** What a site held before the other one was emptied, by name. */
export interface Content {
  /** Version of each record. */
  readonly records: ReadonlyMap<string, string>
  /** SHA-256 of each asset. */
  readonly objects: ReadonlyMap<string, string>
}

interface Page {
  readonly items: readonly { readonly id: string; readonly etag: string }[]
  readonly next: string | null
}

interface Operation {
  readonly state: string
  readonly found: Readonly<Record<string, number>>
}

const collection = 'refilled'
const recordsPath = `/v1/collections/${collection}/records`
const writersMax = 8
const operationMsMax = 600_000
const readyMsMax = 180_000

/** Writes records, deletes every tenth of them again, and uploads files. */
export async function fill(api: Api, folder: string, records: number, objects: number): Promise<Content> {
  const numbers = Array.from({ length: records }, (_, n) => n)
  await Promise.all(
    Array.from({ length: writersMax }, async (_, writer) => {
      for (const n of numbers.filter((each) => each % writersMax === writer)) await writeOne(api, n)
    }),
  )
  await mkdir(folder, { recursive: true })
  const digests = new Map<string, string>()
  for (let n = 0; n < objects; n++) {
    const [id, bytes] = [`refilled-${n}`, randomBytes(200_000 + n)]
    const path = join(folder, id)
    await writeFile(path, bytes)
    digests.set(id, createHash('sha256').update(bytes).digest('hex'))
    const asset = { id, name: `${id}.bin`, mediaType: 'application/octet-stream', bytes: bytes.byteLength }
    await uploadFile(api, { ...asset, upload: 'single' }, path)
  }
  for (const id of digests.keys()) await untilReady(api, id)
  return { records: await recordsOf(api), objects: digests }
}

async function writeOne(api: Api, n: number): Promise<void> {
  const path = `${recordsPath}/r${n}`
  const { headers } = await api.call('PUT', path, { json: { n }, headers: { 'if-none-match': '*' }, status: 201 })
  if (n % 10 === 0)
    await api.call('DELETE', path, { headers: { 'if-match': headers.get('etag') ?? '' }, status: [200, 204] })
}

const untilReady = (api: Api, id: string): Promise<unknown> =>
  until(
    `${id} ready at ${api.site}`,
    async () => (await api.get<{ status: string }>(`/v1/assets/${id}`)).status === 'ready',
    { timeoutMs: readyMsMax, everyMs: 250 },
  )

export async function recordsOf(api: Api): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (let cursor = ''; ; ) {
    const page = await api.get<Page>(`${recordsPath}?limit=1000${cursor}`)
    for (const { id, etag } of page.items) found.set(id, etag)
    if (page.next === null) return found
    cursor = `&cursor=${encodeURIComponent(page.next)}`
  }
}

/** Begins a whole-site operation, waits until it has ended, and gives what it found. Throws Unexpected when it failed. */
export async function operate(api: Api, kind: 'backfill' | 'verify'): Promise<Operation['found']> {
  const begun = await api.call('POST', `/v1/replication/${kind}`, { json: {}, status: 202 })
  const location = begun.headers.get('location') ?? ''
  let seen: Operation | undefined
  const ended = async (): Promise<Operation | false> => {
    seen = await api.get<Operation>(location)
    return seen.state !== 'running' && seen
  }
  const options = { timeoutMs: operationMsMax, everyMs: 500, seen: () => seen }
  const { state, found } = await until(`the ${kind} ended`, ended, options)
  if (state !== 'done') throw new Error(`The ${kind} ended as ${state}`)
  return found
}

/** Names of assets whose bytes this site's own edge does not give out as they were. */
export async function lackingAt(api: Api, edgeUrl: string, objects: Content['objects']): Promise<string[]> {
  const lacking: string[] = []
  for (const [id, sha256] of objects) {
    const { headers } = await api.call('GET', `/v1/assets/${id}/content`)
    const location = headers.get('location') ?? ''
    const answer = location.startsWith(edgeUrl) ? await fetch(location) : undefined
    const bytes = answer?.ok ? Buffer.from(await answer.arrayBuffer()) : Buffer.alloc(0)
    if (createHash('sha256').update(bytes).digest('hex') !== sha256) lacking.push(id)
  }
  return lacking
}
