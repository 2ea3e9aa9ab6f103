import type { UploadBody } from '../domain/asset.ts'
import { derivedId } from '../domain/hash.ts'
import type { JsonObject } from '../domain/json.ts'
import type { StoredRecord } from '../domain/record.ts'
import { conflictEndsMs } from './conflict-record.ts'
import { dueMs } from './job-state.ts'
import type { Services } from './services.ts'

/**
 * Site-local lists of work that somebody has to look at when its time comes, in order of that time. An entry is a hint: the
 * record says what is true. Entries of work that ended are not removed at once but found out when they come due.
 */
const shardCount = 4
const shardsOf = (name: string): string[] => Array.from({ length: shardCount }, (_, shard) => `${name}/${shard}`)
export const openJobShards = shardsOf('open-jobs')
export const openUploadShards = shardsOf('open-uploads')
export const openConflictShards = shardsOf('open-conflicts')
export const openWebhookShards = shardsOf('open-webhooks')
export const openExportShards = shardsOf('open-exports')
export const openAnalysisShards = shardsOf('open-analyses')

/** Times are rounded up to this, so that a lease renewed often makes few entries. */
const stepMs = 10_000
const keptMs = 30 * 24 * 3_600_000
/** An upload that was completed has its job by then, unless the site died between the two. */
const completedMs = 60_000
/** Nothing that was signed for an upload is good any longer when it has been gone for this long. */
const goneMs = 4_000_000

export interface DueEntry {
  readonly dueMs: number
  readonly tenant: string
  /** The record's id. */
  readonly id: string
  readonly value: JsonObject
}

export async function putDue(services: Services, shards: readonly string[], entry: DueEntry): Promise<void> {
  const partition = shards[derivedId(entry.tenant, entry.id).charCodeAt(0) % shards.length] ?? ''
  const roundedMs = Math.ceil(entry.dueMs / stepMs) * stepMs
  const id = `${String(roundedMs).padStart(15, '0')}/${entry.tenant}/${entry.id}`
  await services.siteStore.put({ partition, id, value: entry.value, expiresMs: roundedMs + keptMs }, { kind: 'any' })
}

export function parseDue(item: { readonly id: string; readonly value: JsonObject }): DueEntry {
  const [due = '', tenant = '', ...id] = item.id.split('/')
  return { dueMs: Number(due), tenant, id: id.join('/'), value: item.value }
}

export const indexOpenJob = (services: Services, record: StoredRecord): Promise<void> =>
  putDue(services, openJobShards, {
    dueMs: dueMs(services, record),
    tenant: record.key.tenant,
    id: record.key.id,
    value: { sent: 0 },
  })

export async function indexOpenUpload(services: Services, record: StoredRecord, upload: UploadBody): Promise<void> {
  if (upload.kind === 'drop') return
  const nowMs = services.clock.now()
  const openMs = upload.kind === 'import' ? nowMs + completedMs : upload.expiresAtMs
  const dueMs = { open: openMs, complete: nowMs + completedMs, gone: nowMs + goneMs }[upload.state]
  await putDue(services, openUploadShards, { dueMs, tenant: record.key.tenant, id: record.key.id, value: {} })
}

export const indexOpenConflict = (services: Services, record: StoredRecord): Promise<void> =>
  putDue(services, openConflictShards, {
    dueMs: conflictEndsMs(record),
    tenant: record.key.tenant,
    id: record.key.id,
    value: {},
  })
