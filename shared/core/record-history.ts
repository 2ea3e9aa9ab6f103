import { historyMs } from '../domain/limits.ts'
import type { JsonObject } from '../domain/json.ts'
import { keyText, type RecordKey, type RecordState, type StoredRecord } from '../domain/record.ts'
import type { Stamp } from '../domain/stamp.ts'
import type { Page, PageRequest } from '../ports/page.ts'
import type { Services } from './services.ts'

const partitionOf = (key: RecordKey): string => `history/${keyText(key)}`

/** The state without what belongs to one site: what is offered, kept as history and compared. */
export function stateOf(record: RecordState): RecordState {
  const { key, vector, stamp, deleted, body, createdMs, applied, overruled, fields } = record
  return {
    key,
    vector,
    stamp,
    deleted,
    body,
    createdMs,
    ...(applied ? { applied } : {}),
    ...(overruled ? { overruled } : {}),
    ...(fields ? { fields } : {}),
  }
}

/** Keeps a state that is about to be overwritten. Done before the write it makes way for; doing it twice is harmless. */
export async function keepInHistory(services: Services, previous: StoredRecord): Promise<void> {
  const value = { state: stateOf(previous) as unknown as JsonObject }
  const expiresMs = services.clock.now() + historyMs
  await services.siteStore.put(
    { partition: partitionOf(previous.key), id: previous.stamp, value, expiresMs },
    { kind: 'any' },
  )
}

/** What this site remembers of a record's past and present, newest first. `after` is a stamp. */
export async function recordVersions(
  services: Services,
  key: RecordKey,
  page: PageRequest,
): Promise<Page<RecordState>> {
  const head = page.after ? undefined : await services.records.get(key)
  const past = await services.siteStore.list(partitionOf(key), { ...page, descending: true })
  const states = past.items.map((item) => item.value['state'] as unknown as RecordState)
  const items = head ? [stateOf(head), ...states.filter((state) => state.stamp !== head.stamp)] : states
  return past.next === undefined ? { items } : { items, next: past.next }
}

export async function recordVersion(
  services: Services,
  key: RecordKey,
  stamp: Stamp,
): Promise<RecordState | undefined> {
  const head = await services.records.get(key)
  if (head?.stamp === stamp) return stateOf(head)
  const item = await services.siteStore.get(partitionOf(key), stamp)
  return item?.value['state'] as RecordState | undefined
}
