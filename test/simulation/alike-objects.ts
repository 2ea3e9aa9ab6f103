import fc from 'fast-check'
import type { ObjectStore } from '../../shared/ports/object-store.ts'
import { bytesOfStream } from '../memory/streams.ts'
import { answersTo, type Play } from './alike.ts'

export type ObjectCommand = {
  readonly kind: 'put' | 'head' | 'get' | 'copy' | 'remove' | 'list' | 'next' | 'presign'
  readonly id: number
  readonly other: number
  readonly ifAbsent: boolean
  readonly bytes: number
  readonly limit: number
  /** What a signed request says that the answer should be like. */
  readonly asked: 'as it is' | 'a type' | 'a file' | 'all'
  /** The header of a signed request: one that is within the bytes or past them. */
  readonly range: string | undefined
  /** Of the request: the one that was signed, or another. */
  readonly method: 'GET' | 'PUT'
}

const id = fc.nat({ max: 4 })

export const objectCommands = fc.record<ObjectCommand>({
  kind: fc.constantFrom(
    ...(['put', 'put', 'put', 'head', 'get', 'copy', 'remove'] as const),
    ...(['list', 'next', 'next', 'presign', 'presign'] as const),
  ),
  id,
  other: id,
  ifAbsent: fc.boolean(),
  bytes: fc.integer({ min: 2, max: 5 }),
  limit: fc.integer({ min: 1, max: 3 }),
  asked: fc.constantFrom('as it is', 'a type', 'a file', 'all'),
  // None begins where the bytes end: Azurite answers that with nothing, where Blob Storage refuses it (as RFC 9110 says).
  range: fc.constantFrom(undefined, undefined, 'bytes=0-0', 'bytes=1-', 'bytes=1-3', 'bytes=9-', 'bytes=9-12'),
  method: fc.constantFrom('GET', 'GET', 'GET', 'GET', 'PUT'),
})

export interface ReadableStore {
  readonly store: ObjectStore
  /** Sends a signed request. */
  readonly send: (url: string, init: { method: string; headers: Record<string, string> }) => Promise<Response>
}

const type = { responseType: 'text/csv; charset=utf-8' }
const file = { responseDisposition: `attachment; filename="a b.txt"; filename*=UTF-8''%C3%BC.txt` }
const askedOf = {
  'as it is': {},
  'a type': type,
  'a file': file,
  all: { ...type, ...file, responseCacheControl: 'private, max-age=60' },
} as const
const told = ['content-type', 'content-disposition', 'cache-control', 'content-range', 'content-length'] as const
const signedMs = 600_000

/** What a signed URL answers. Of a method that was not signed only that it is refused: which check comes first is not said. */
async function readBack({ store, send }: ReadableStore, key: string, command: ObjectCommand): Promise<unknown> {
  const grant = await store.presign(key, {
    method: 'GET',
    expiresAtMs: Date.now() + signedMs,
    ...askedOf[command.asked],
  })
  const range = command.range === undefined ? {} : { range: command.range }
  const answer = await send(grant.url, { method: command.method, headers: { ...grant.headers, ...range } })
  const body = await answer.text()
  if (answer.ok) return [answer.status, body, told.map((name) => answer.headers.get(name))]
  return command.method === 'GET' ? answer.status : 'refused'
}

export const playObjects: Play<ReadableStore, ObjectCommand> = (at, tenant, commands) => {
  const { store } = at
  const keyOf = (n: number): string => `objects/${tenant}/a ü/${n}`
  let cursor: string | undefined
  const next = async (limit: number) => {
    const page = await store.list(`objects/${tenant}/`, { after: cursor, limit })
    cursor = page.next
    return [page.items.map(({ key, bytes }) => [key.replace(tenant, ''), bytes]), page.next !== undefined]
  }
  return answersTo(commands, async (command, n) => {
    const { kind, other, ifAbsent, bytes, limit } = command
    const key = keyOf(command.id)
    const options = { mediaType: 'text/plain', metadata: { n: String(n) } }
    switch (kind) {
      case 'put': {
        const before = await store.head(key)
        const outcome = await store.put(key, Buffer.alloc(bytes, 65 + (n % 2)), { ...options, ifAbsent })
        return [outcome, (await store.head(key))?.etag === before?.etag]
      }
      case 'head': {
        const found = await store.head(key)
        return found && [found.bytes, found.mediaType, found.metadata]
      }
      case 'get': {
        const found = await store.get(key, bytes > 0 ? { first: 0, last: bytes - 1 } : undefined)
        return found && [found.bytes, found.range, Buffer.from(await bytesOfStream(found.stream)).toString()]
      }
      case 'copy': {
        const before = await store.head(key)
        await store.copy(key, keyOf(other), options)
        return [before?.etag === (await store.head(keyOf(other)))?.etag, before?.etag === (await store.head(key))?.etag]
      }
      case 'remove':
        return store.remove(key)
      case 'list':
        cursor = undefined
        return next(limit)
      case 'next':
        return cursor === undefined ? 'at its end' : next(limit)
      case 'presign':
        return readBack(at, key, command)
    }
  })
}
