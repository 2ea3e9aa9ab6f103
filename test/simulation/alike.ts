import { hasCode, isCatamaranError } from '../../shared/domain/errors.ts'
import { keyText, type StoredRecord } from '../../shared/domain/record.ts'
import { shardOf } from '../../shared/domain/hash.ts'
import type { ObjectStore } from '../../shared/ports/object-store.ts'
import type { RecordStore } from '../../shared/ports/record-store.ts'
import type { SiteStore } from '../../shared/ports/site-store.ts'
import { facts, state } from '../contract/fixtures.ts'
import { bytesOfStream } from '../memory/streams.ts'

/** Stores are held side by side by what they answer: as data, without what each names in its own way. */
export type Play<Store, Command> = (store: Store, tenant: string, commands: readonly Command[]) => Promise<unknown[]>

/** What a call answers, or the code that it throws. */
export async function answerOf(act: () => Promise<unknown>): Promise<unknown> {
  try {
    return (await act()) ?? 'nothing'
  } catch (error) {
    if (isCatamaranError(error) && !hasCode(error, 'unavailable')) return error.code
    throw error
  }
}

export type RecordCommand = {
  readonly kind: 'put' | 'get' | 'many' | 'query'
  readonly id: number
  readonly condition: 'absent' | 'current' | 'stale'
  readonly isDelete: boolean
  readonly limit: number
}

const idOf = (id: number): string => `r-${id} ü`

/** Tokens are each store's own: what is compared is whether the present one, an old one or none lets a write through. */
export const playRecords: Play<RecordStore, RecordCommand> = async (store, tenant, commands) => {
  const tokens = new Map<string, string[]>()
  const shown = (record: StoredRecord | undefined) => record && [record.key.id, record.body, record.deleted, record.via]
  const play = async ({ kind, id, condition, isDelete, limit }: RecordCommand, n: number): Promise<unknown> => {
    const key = { tenant, collection: 'c', id: idOf(id) }
    const known = tokens.get(keyText(key)) ?? []
    switch (kind) {
      case 'get':
        return shown(await store.get(key))
      case 'many':
        return (await store.getMany([0, 1, 2, id].map((each) => ({ ...key, id: idOf(each) })))).map(shown)
      case 'query': {
        const page = await store.query({ ...key, shard: shardOf(key) }, { limit })
        return [page.items.map(shown), page.next !== undefined && page.items.length === limit]
      }
      case 'put': {
        const token = (condition === 'current' ? known.at(-1) : known.at(-2)) ?? known.at(-1)
        const wanted =
          condition === 'absent' || !token ? ({ kind: 'absent' } as const) : ({ kind: 'unchanged', token } as const)
        const outcome = await store.put(state(key, isDelete ? null : { n }, 1_700_000_000_000 + n), wanted, facts())
        if (outcome.kind === 'stored') tokens.set(keyText(key), [...known, outcome.token])
        return outcome.kind
      }
    }
  }
  const answers: unknown[] = []
  for (const [n, command] of commands.entries()) answers.push(await answerOf(() => play(command, n)))
  return answers
}

export type SiteCommand = {
  readonly kind: 'put' | 'get' | 'remove' | 'list'
  readonly id: number
  readonly condition: 'any' | 'absent' | 'current' | 'stale'
  readonly descending: boolean
  readonly limit: number
}

export const playSite: Play<SiteStore, SiteCommand> = async (store, tenant, commands) => {
  const partition = `alike/${tenant}`
  const seen = new Map<string, string[]>()
  const tokenFor = (id: string, condition: SiteCommand['condition']): string | undefined =>
    condition === 'stale' ? seen.get(id)?.at(-2) : seen.get(id)?.at(-1)
  const play = async (command: SiteCommand, n: number): Promise<unknown> => {
    const id = idOf(command.id)
    const token = tokenFor(id, command.condition)
    switch (command.kind) {
      case 'get':
        return (await store.get(partition, id))?.value
      case 'remove':
        return store.remove(partition, id, command.condition === 'any' ? undefined : token)
      case 'list': {
        const { items, next } = await store.list(partition, command)
        return [items.map((item) => [item.id, item.value]), next !== undefined && items.length === command.limit]
      }
      case 'put': {
        const { condition } = command
        const wanted =
          condition === 'any' || condition === 'absent' || !token
            ? ({ kind: condition === 'any' ? 'any' : 'absent' } as const)
            : ({ kind: 'unchanged', token } as const)
        const isStored = await store.put({ partition, id, value: { n } }, wanted)
        const now = (await store.get(partition, id))?.token
        if (isStored && now) seen.set(id, [...(seen.get(id) ?? []), now])
        return isStored
      }
    }
  }
  const answers: unknown[] = []
  for (const [n, command] of commands.entries()) answers.push(await answerOf(() => play(command, n)))
  return answers
}

export type ObjectCommand = {
  readonly kind: 'put' | 'head' | 'get' | 'copy' | 'remove' | 'list'
  readonly id: number
  readonly other: number
  readonly ifAbsent: boolean
  readonly bytes: number
}

export const playObjects: Play<ObjectStore, ObjectCommand> = async (store, tenant, commands) => {
  const keyOf = (id: number): string => `objects/${tenant}/a ü/${id}`
  const play = async ({ kind, id, other, ifAbsent, bytes }: ObjectCommand, n: number): Promise<unknown> => {
    const options = { mediaType: 'text/plain', metadata: { n: String(n) } }
    switch (kind) {
      case 'put': {
        const before = await store.head(keyOf(id))
        const outcome = await store.put(keyOf(id), Buffer.alloc(bytes, n % 2), { ...options, ifAbsent })
        return [outcome, (await store.head(keyOf(id)))?.etag === before?.etag]
      }
      case 'head': {
        const found = await store.head(keyOf(id))
        return found && [found.bytes, found.mediaType, found.metadata]
      }
      case 'get': {
        const found = await store.get(keyOf(id), bytes > 0 ? { first: 0, last: bytes - 1 } : undefined)
        return found && [found.bytes, found.range, Buffer.from(await bytesOfStream(found.stream)).toString('hex')]
      }
      case 'copy': {
        const before = await store.head(keyOf(id))
        await store.copy(keyOf(id), keyOf(other), options)
        return [
          before?.etag === (await store.head(keyOf(other)))?.etag,
          before?.etag === (await store.head(keyOf(id)))?.etag,
        ]
      }
      case 'remove':
        await store.remove(keyOf(id))
        return 'removed'
      case 'list': {
        const { items } = await store.list(`objects/${tenant}/`, { limit: 3 })
        return items.map((item) => [item.key.replace(tenant, ''), item.bytes])
      }
    }
  }
  const answers: unknown[] = []
  for (const [n, command] of commands.entries()) answers.push(await answerOf(() => play(command, n)))
  return answers
}
