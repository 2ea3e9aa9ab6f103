import { keyText, type RecordState } from '../domain/record.ts'
import type { OfferOutcome } from '../ports/peer.ts'
import type { PutManyOutcome } from '../ports/record-store.ts'
import { losersIn, mergeStates, type Merge } from '../replication/merge.ts'
import { countConflict } from './conflict-record.ts'
import { stateOf } from './record-history.ts'
import type { Services } from './services.ts'

const batchStatesMax = 100

/**
 * Takes in, in few round trips, the states that need no more than that: those of records this site has never seen, and
 * those it knows already. The others are left out of the answer, to be applied one by one; so are all when the store fails.
 */
export async function applyFresh(
  services: Services,
  states: readonly RecordState[],
): Promise<Map<RecordState, OfferOutcome>> {
  const outcomes = new Map<RecordState, OfferOutcome>()
  const single = onePerRecord(states)
  for (let start = 0; start < single.length; start += batchStatesMax) {
    try {
      await applyBatch(services, single.slice(start, start + batchStatesMax), outcomes)
    } catch (error) {
      services.telemetry.log('warn', 'A batch from the peer is applied one by one', {}, error)
    }
  }
  return outcomes
}

/** Two states of one record depend on each other. */
function onePerRecord(states: readonly RecordState[]): RecordState[] {
  const counts = new Map<string, number>()
  for (const { key } of states) counts.set(keyText(key), (counts.get(keyText(key)) ?? 0) + 1)
  return states.filter(({ key }) => counts.get(keyText(key)) === 1)
}

async function applyBatch(
  services: Services,
  states: readonly RecordState[],
  outcomes: Map<RecordState, OfferOutcome>,
): Promise<void> {
  const stored = await services.records.getMany(states.map(({ key }) => key))
  const fresh: RecordState[] = []
  for (const [index, state] of states.entries()) {
    const present = stored[index]
    if (!present) fresh.push(state)
    else if (isKnown(mergeStates(stateOf(present), state))) outcomes.set(state, { kind: 'known' })
  }
  const facts = { via: 'peer', arrivalMs: services.clock.now() } as const
  const put = await services.records.putMany(fresh.map((state) => ({ state, condition: { kind: 'absent' }, facts })))
  for (const [index, state] of fresh.entries()) {
    const outcome = outcomeOf(put[index])
    if (outcome) outcomes.set(state, outcome)
    if (outcome?.kind === 'applied') countConflict(services, state)
  }
}

const isKnown = (merge: Merge): boolean => merge.kind === 'known' && losersIn(merge).length === 0

function outcomeOf(put: PutManyOutcome | undefined): OfferOutcome | undefined {
  if (put?.kind === 'stored') return { kind: 'applied' }
  if (put?.kind === 'refused') return { kind: 'failed', code: put.error.code, detail: put.error.message }
  return undefined
}
