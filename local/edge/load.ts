import { rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import CachePolicy from 'http-cache-semantics'
import type { DiskCache, Entry } from './disk-cache.ts'
import type { Admission } from './gate.ts'
import { fetchOrigin, type Headers } from './origin.ts'

export type Loaded =
  | { readonly kind: 'stored'; readonly entry: Entry; readonly revalidated: boolean }
  /** Small and not for keeping: an error, or what the origin says not to store. */
  | { readonly kind: 'answer'; readonly status: number; readonly headers: Headers; readonly body: Buffer }
  /** Too big to keep: each reader streams it from the origin. */
  | { readonly kind: 'pass' }

type Admitted = Extract<Admission, { kind: 'admitted' }>

export interface LoaderOptions {
  readonly cache: DiskCache
  /** An object over this size streams through unstored. */
  readonly objectBytesMax: number
}

export type Loader = (admitted: Admitted, key: string, headers: Headers) => Promise<Loaded & { readonly mine: boolean }>

/** What an edge keeps for a day when the origin names no time, as CloudFront and Front Door do. */
const defaultTtlSeconds = 86_400
/** How many objects too big to keep are remembered as such, so that they are not asked for twice. */
const bigKeysMax = 10_000
const policyOptions: CachePolicy.Options = { shared: true, ignoreCargoCult: false }

/** Fetches what the cache lacks. Whoever asks for a key that is on its way already waits for it: one request to the origin. */
export function createLoader(options: LoaderOptions): Loader {
  const underway = new Map<string, Promise<Loaded>>()
  const big = new Set<string>()
  return async (admitted, key, headers) => {
    if (big.has(key)) return { kind: 'pass', mine: true }
    const other = underway.get(key)
    if (other) return { ...(await other), mine: false }
    const loading = load(admitted, key, headers, options).finally(() => underway.delete(key))
    underway.set(key, loading)
    const loaded = await loading
    if (loaded.kind === 'pass') big.add(key)
    if (big.size > bigKeysMax) big.clear()
    return { ...loaded, mine: true }
  }
}

async function load(admitted: Admitted, key: string, headers: Headers, options: LoaderOptions): Promise<Loaded> {
  const { cache, objectBytesMax } = options
  const known = cache.get(key)
  const asked = { url: key, method: 'GET', headers: { ...headers } }
  const sent = known ? known.policy.revalidationHeaders(asked) : asked.headers
  const answer = await fetchOrigin(await admitted.originUrl('GET'), 'GET', withoutRange(sent))
  const status = answer.statusCode ?? 502
  const received = { status, headers: withTtl(answer.headers) }
  if (known && status === 304) {
    answer.resume()
    const entry = { ...known, policy: known.policy.revalidatedPolicy(asked, received).policy }
    await cache.set(key, entry)
    return { kind: 'stored', entry, revalidated: true }
  }
  if (known && status < 500) await cache.remove(key)
  const policy = new CachePolicy(asked, received, policyOptions)
  const bytes = Number(answer.headers['content-length'] ?? Number.NaN)
  if (status === 200 && !(bytes <= objectBytesMax)) {
    answer.destroy()
    return { kind: 'pass' }
  }
  if (status !== 200 || bytes === 0 || !policy.storable()) return whole(answer, status, objectBytesMax)
  const path = await store(answer, bytes, cache)
  const entry = { policy, path, bytes }
  await cache.set(key, entry)
  return { kind: 'stored', entry, revalidated: false }
}

/** The whole object is what is kept, whichever part this client wants. */
function withoutRange(headers: Headers): Headers {
  const { range: _range, 'if-range': _ifRange, host: _host, connection: _connection, ...rest } = headers
  return rest
}

function withTtl(headers: Headers): Record<string, string | string[]> {
  const present = Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
  const named = present['cache-control'] !== undefined || present.expires !== undefined
  return named ? present : { ...present, 'cache-control': `s-maxage=${defaultTtlSeconds}` }
}

/** Writes the body to the cache's disk. Rejects for a body that is not as long as it was said to be: nothing is kept then. */
async function store(answer: IncomingMessage, bytes: number, cache: DiskCache): Promise<string> {
  const { path, file } = await cache.createFile()
  let written = 0
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      await file.writeFile(chunk)
      written += chunk.length
    }
    if (written !== bytes) throw new Error(`the origin sent ${written} of ${bytes} bytes`)
    return path
  } catch (error) {
    await rm(path, { force: true })
    throw error
  } finally {
    await file.close()
  }
}

async function whole(answer: IncomingMessage, status: number, bytesMax: number): Promise<Loaded> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > bytesMax) return { kind: 'pass' }
    chunks.push(chunk)
  }
  return { kind: 'answer', status, headers: answer.headers, body: Buffer.concat(chunks) }
}
