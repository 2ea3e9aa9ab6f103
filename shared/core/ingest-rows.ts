import { createReadStream } from 'node:fs'
import { rowsCollection, type MediaBody } from '../domain/asset.ts'
import { hasCode } from '../domain/errors.ts'
import { derivedId } from '../domain/hash.ts'
import { canonicalJson, type JsonObject } from '../domain/json.ts'
import type { RecordKey } from '../domain/record.ts'
import type { RowItem, RowOptions } from '../data/row.ts'
import { rowsOf } from '../data/rows.ts'
import { forEachOf } from './each.ts'
import type { Lease } from './lease.ts'
import { listRecords } from './record-reads.ts'
import { writeRecords } from './record-batch.ts'
import { writeRecord } from './records.ts'
import type { Services } from './services.ts'

/** What one batch of the store holds. */
const batchRows = 100
const concurrencyMax = 16
const checkpointRows = 2_048
const pageRows = 500

interface Numbered {
  /** From 1, over good and bad rows alike: several rows may share one line. */
  readonly number: number
  readonly item: RowItem
}

/**
 * Stores each row as a record of the asset's own collection; the id is the row's number, so that a second run writes the
 * same records again, which changes nothing. Goes on at the job's checkpoint, if that was reached by reading the same way.
 */
export async function ingestRows(
  services: Services,
  lease: Lease,
  file: { readonly path: string; readonly options: RowOptions },
): Promise<NonNullable<MediaBody['rows']>> {
  const collection = rowsCollection(lease.job.asset)
  const way = derivedId(canonicalJson({ ...file.options } as JsonObject))
  const begun = lease.job.checkpoint?.['way'] === way ? lease.job.checkpoint : undefined
  const seen = { number: 0, count: Number(begun?.['count'] ?? 0), errors: Number(begun?.['errors'] ?? 0) }
  const doneUntil = Number(begun?.['rows'] ?? 0)
  let batch: Numbered[] = []
  let unmarked = 0
  const flush = async (): Promise<void> => {
    lease.check()
    const good = await storeBatch(services, { tenant: lease.ref.tenant, collection }, batch)
    seen.count += good
    seen.errors += batch.length - good
    unmarked += batch.length
    batch = []
    if (unmarked < checkpointRows) return
    unmarked = 0
    await lease.checkpoint({ way, rows: seen.number, count: seen.count, errors: seen.errors })
  }
  const source = createReadStream(file.path)
  try {
    for await (const item of rowsOf(source, file.options)) {
      seen.number++
      if (seen.number <= doneUntil) continue
      batch.push({ number: seen.number, item })
      if (batch.length >= batchRows) await flush()
    }
  } finally {
    source.destroy()
  }
  await flush()
  await removeRowsAfter(services, lease, { tenant: lease.ref.tenant, collection }, seen.number)
  return { collection, count: seen.count, errors: seen.errors }
}

const idOf = (number: number): string => String(number).padStart(10, '0')

/** How many of the batch became records. */
async function storeBatch(
  services: Services,
  where: Pick<RecordKey, 'tenant' | 'collection'>,
  batch: readonly Numbered[],
): Promise<number> {
  const keyOf = (number: number): RecordKey => ({ ...where, id: idOf(number) })
  const wanted = batch.flatMap(({ number, item }) => ('row' in item ? { key: keyOf(number), body: item.row } : []))
  const held = await writeRecords(services, wanted)
  const stored = new Set(wanted.filter((_, index) => held[index]).map(({ key }) => key.id))
  const bad = batch.map(({ number }) => keyOf(number)).filter(({ id }) => !stored.has(id))
  await forEachOf(bad, concurrencyMax, (key) => removeRow(services, key))
  return stored.size
}

async function removeRow(services: Services, key: RecordKey): Promise<void> {
  try {
    await writeRecord(services, key, { precondition: { kind: 'exists' } }, () => null)
  } catch (error) {
    if (!hasCode(error, 'not-found')) throw error
  }
}

/** An older version of the file may have had more rows. */
async function removeRowsAfter(
  services: Services,
  lease: Lease,
  where: Pick<RecordKey, 'tenant' | 'collection'>,
  last: number,
): Promise<void> {
  let after: string | undefined = idOf(last)
  do {
    const page: Awaited<ReturnType<typeof listRecords>> = await listRecords(services, where, { after, limit: pageRows })
    lease.check()
    await forEachOf(page.items, concurrencyMax, ({ key }) => removeRow(services, key))
    after = page.next
  } while (after !== undefined)
}
