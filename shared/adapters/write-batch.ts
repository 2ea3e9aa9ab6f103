import { type CatamaranError, isCatamaranError, isTransient } from '../domain/errors.ts'
import type { PutManyOutcome, RecordWrite, WriteCondition } from '../ports/record-store.ts'

/** A write in the store's own form. */
export interface PreparedWrite<Item> {
  readonly item: Item
  readonly condition: WriteCondition
}

const batchItemsMax = 100
/** Both stores refuse a batch over 2 to 4 MB; this leaves room for what surrounds the bodies. */
const batchTextMax = 1_000_000

/** Brings writes into the store's form, and hands them on in batches that both stores take; what can't be stored fails alone. */
export async function eachWrite<Item>(
  writes: readonly RecordWrite[],
  prepare: (write: RecordWrite) => Item,
  put: (items: readonly PreparedWrite<Item>[]) => Promise<readonly PutManyOutcome[]>,
): Promise<PutManyOutcome[]> {
  const outcomes: PutManyOutcome[] = new Array<PutManyOutcome>(writes.length)
  let batch: { index: number; prepared: PreparedWrite<Item> }[] = []
  let text = 0
  const flush = async (): Promise<void> => {
    const found = batch.length > 0 ? await put(batch.map(({ prepared }) => prepared)) : []
    for (const [at, { index }] of batch.entries()) outcomes[index] = found[at] ?? { kind: 'changed' }
    batch = []
    text = 0
  }
  for (const [index, write] of writes.entries()) {
    const prepared = tryPrepare(write, prepare)
    if ('error' in prepared) {
      outcomes[index] = { kind: 'refused', error: prepared.error }
      continue
    }
    const size = JSON.stringify(prepared.item).length
    if (batch.length >= batchItemsMax || (batch.length > 0 && text + size > batchTextMax)) await flush()
    batch.push({ index, prepared: { item: prepared.item, condition: write.condition } })
    text += size
  }
  await flush()
  return outcomes
}

function tryPrepare<Item>(
  write: RecordWrite,
  prepare: (write: RecordWrite) => Item,
): { readonly item: Item } | { readonly error: CatamaranError } {
  try {
    return { item: prepare(write) }
  } catch (error) {
    if (isCatamaranError(error) && !isTransient(error)) return { error }
    throw error
  }
}
