import { isCatamaranError, isTransient } from '../domain/errors.ts'
import { jsonEqual, type JsonObject } from '../domain/json.ts'
import type { RecordKey, StoredRecord } from '../domain/record.ts'
import type { PutManyOutcome } from '../ports/record-store.ts'
import { nextState, writeRecord } from './records.ts'
import type { Services } from './services.ts'

export interface Wanted {
  readonly key: RecordKey
  readonly body: JsonObject
}

/**
 * Makes up to 100 different records be as wanted, in few round trips when most are new. Doing it twice changes nothing.
 * False for each that no record can hold (`too-large`, `invalid-request`). Throws what the store throws.
 */
export async function writeRecords(services: Services, wanted: readonly Wanted[]): Promise<boolean[]> {
  const present = await services.records.getMany(wanted.map(({ key }) => key))
  const fresh = wanted.filter((_, index) => !present[index])
  const outcomes = fresh.length > 0 ? await services.records.putMany(fresh.map((each) => creation(services, each))) : []
  const byWanted = new Map(fresh.map((each, index) => [each, outcomes[index]] as const))
  return Promise.all(wanted.map((each, index) => finish(services, each, present[index], byWanted.get(each))))
}

const creation = (services: Services, { key, body }: Wanted) => ({
  state: nextState(services, { key, current: undefined, body }),
  condition: { kind: 'absent' } as const,
  facts: { via: 'client', arrivalMs: services.clock.now() } as const,
})

/** What was there already, or came in between, is written like any single record. */
async function finish(
  services: Services,
  { key, body }: Wanted,
  present: StoredRecord | undefined,
  outcome: PutManyOutcome | undefined,
): Promise<boolean> {
  if (outcome?.kind === 'stored') return true
  if (outcome?.kind === 'refused') return false
  if (present?.body && jsonEqual(present.body, body)) return true
  try {
    await writeRecord(services, key, { precondition: { kind: 'none' } }, (current) =>
      current && jsonEqual(current, body) ? current : body,
    )
    return true
  } catch (error) {
    if (isCatamaranError(error) && !isTransient(error)) return false
    throw error
  }
}
