import { CatamaranError } from '../domain/errors.ts'
import type { JsonObject } from '../domain/json.ts'
import type { StoredRecord } from '../domain/record.ts'
import type { Page, PageRequest } from '../ports/page.ts'
import { conflictsCollection } from './conflict-record.ts'
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
}

const conflictOf = (record: StoredRecord): Conflict => ({
  id: record.key.id,
  ...(record.body as unknown as Omit<Conflict, 'id'>),
})

const keyOf = (tenant: string, id: string) => ({ tenant, collection: conflictsCollection, id })

export async function listConflicts(services: Services, tenant: string, page: PageRequest): Promise<Page<Conflict>> {
  const found = await listRecords(services, { tenant, collection: conflictsCollection }, page)
  const items = found.items.map(conflictOf)
  return found.next === undefined ? { items } : { items, next: found.next }
}

export async function getConflict(services: Services, tenant: string, id: string): Promise<Conflict | undefined> {
  const record = await readRecord(services, keyOf(tenant, id))
  return record && conflictOf(record)
}

/** Writes the losing side over the record as it is now, then closes the conflict. Throws `not-found`, `precondition-failed`. */
export async function restoreConflict(
  services: Services,
  tenant: string,
  id: string,
  options: WriteOptions,
): Promise<Written> {
  const conflict = await getConflict(services, tenant, id)
  if (!conflict) throw new CatamaranError('not-found', 'There is no such conflict; it may have been settled already.')
  const key = { tenant, collection: conflict.collection, id: conflict.recordId }
  const written = await writeRecord(services, key, options, () => conflict.body)
  await dismissConflict(services, tenant, id)
  return written
}

/** Closes a conflict and leaves the record as it is. The losing side stays in the conflict's own history. */
export async function dismissConflict(services: Services, tenant: string, id: string): Promise<void> {
  await writeRecord(services, keyOf(tenant, id), { precondition: { kind: 'exists' } }, () => null)
}
