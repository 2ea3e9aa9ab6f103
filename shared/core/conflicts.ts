import { CatamaranError } from '../domain/errors.ts'
import type { JsonObject } from '../domain/json.ts'
import type { StoredRecord } from '../domain/record.ts'
import type { Page, PageRequest } from '../ports/page.ts'
import type { LostField } from '../replication/lost-fields.ts'
import { conflictsCollection } from './conflict-record.ts'
import { restoredBody } from './conflict-diff.ts'
import { listRecords, readRecord } from './record-reads.ts'
import { writeRecord, type WriteOptions, type Written } from './records.ts'
import type { Services } from './services.ts'

/** The losing side of a conflict: the write that neither site threw away. */
export interface Conflict {
  readonly id: string
  readonly collection: string
  readonly recordId: string
  readonly stamp: string
  /** The losing write was a delete. */
  readonly deleted: boolean
  readonly body: JsonObject | null
  readonly createdMs: number
  /** Of a collection that merges by field: the fields that lost, while the rest of the write may stand. `body` is null then. */
  readonly fields?: LostField[]
}

const conflictOf = (record: StoredRecord): Conflict => ({
  id: record.key.id,
  ...(record.body as unknown as Omit<Conflict, 'id'>),
})

const keyOf = (tenant: string, id: string) => ({ tenant, collection: conflictsCollection, id })

/** The record that a conflict is about. */
export const recordOf = (tenant: string, { collection, recordId }: Conflict) => ({ tenant, collection, id: recordId })

export interface ConflictFilter {
  readonly collection?: string | undefined
  /** The id of a record, with its collection. */
  readonly record?: string | undefined
}

/** A page that a filter leaves little of is filled up from this many more. */
const filteredPagesMax = 10

/** A page may hold fewer than asked for and still have a next. */
export async function listConflicts(
  services: Services,
  tenant: string,
  page: PageRequest,
  filter: ConflictFilter = {},
): Promise<Page<Conflict>> {
  const isWanted = ({ collection, recordId }: Conflict): boolean =>
    (filter.collection ?? collection) === collection && (filter.record ?? recordId) === recordId
  const items: Conflict[] = []
  let { after } = page
  for (let pages = 0; pages < filteredPagesMax; pages++) {
    const limit = page.limit - items.length
    const found = await listRecords(services, { tenant, collection: conflictsCollection }, { after, limit })
    items.push(...found.items.map(conflictOf).filter(isWanted))
    after = found.next
    if (after === undefined || items.length >= page.limit) break
  }
  return after === undefined ? { items } : { items, next: after }
}

/** Throws `not-found`. */
export async function getConflict(services: Services, tenant: string, id: string): Promise<Conflict> {
  const record = await readRecord(services, keyOf(tenant, id))
  if (record) return conflictOf(record)
  throw new CatamaranError('not-found', 'There is no such conflict; it may have been settled already.')
}

export interface RestoreOptions extends WriteOptions {
  /** Only these fields of what lost, by JSON Pointer. */
  readonly paths?: readonly string[] | undefined
}

/** Writes what lost over the record as it is now, then closes the conflict. Throws `not-found`, `precondition-failed`. */
export async function restoreConflict(
  services: Services,
  tenant: string,
  id: string,
  options: RestoreOptions,
): Promise<Written> {
  const conflict = await getConflict(services, tenant, id)
  const key = recordOf(tenant, conflict)
  const buried = (await services.records.get(key))?.fields?.buried
  const written = await writeRecord(services, key, options, (now) =>
    restoredBody(conflict, now ?? buried ?? {}, options.paths),
  )
  await dismissConflict(services, tenant, id)
  return written
}

/** Closes a conflict and leaves the record as it is. The losing side stays in the conflict's own history. */
export async function dismissConflict(services: Services, tenant: string, id: string): Promise<void> {
  await writeRecord(services, keyOf(tenant, id), { precondition: { kind: 'exists' } }, () => null)
}
