import { CatamaranError } from '../domain/errors.ts'
import type { RecordState, StoredRecord, Via } from '../domain/record.ts'
import type { OfferOutcome } from '../ports/peer.ts'
import { backoffMs } from '../replication/backoff.ts'
import { contentKept } from '../replication/destruction.ts'
import { losersIn, mergeStates } from '../replication/merge.ts'
import type { Loser } from '../replication/lost-fields.ts'
import { applyFresh } from './apply-fresh.ts'
import { withOutcome } from './apply-outcome.ts'
import { openBreaker, type Breaker } from './breaker.ts'
import { reasserted } from './breaker-restore.ts'
import { conflictRecord, countConflict } from './conflict-record.ts'
import { assertMayTakeIn } from './pause.ts'
import { isTooFarAhead, quarantine } from './quarantine.ts'
import { keepInHistory, stateOf } from './record-history.ts'
import type { Services } from './services.ts'

const applyTriesMax = 10
const applyConcurrencyMax = 16

/**
 * Takes states in from the peer. Idempotent, in any order, each on its own: one that fails does not hold up the rest.
 * Throws `replication-paused` while an operator lets nothing in.
 */
export async function applyStates(services: Services, states: readonly RecordState[]): Promise<OfferOutcome[]> {
  await assertMayTakeIn(services)
  const outcomes: OfferOutcome[] = new Array<OfferOutcome>(states.length)
  const ahead = new Set(states.filter((state) => isTooFarAhead(services, state)))
  const settled = ahead.size > 0 ? await quarantine(services, [...ahead]) : new Map<RecordState, OfferOutcome>()
  if (states.length > 1) {
    const due = states.filter((state) => !ahead.has(state))
    for (const [state, outcome] of await applyFresh(services, due)) settled.set(state, outcome)
  }
  const breaker = openBreaker(services)
  let next = 0
  const worker = async (): Promise<void> => {
    for (let index = next++; index < states.length; index = next++) {
      const state = states[index]
      if (state) outcomes[index] = settled.get(state) ?? (await applyOne(services, breaker, state))
    }
  }
  await Promise.all(Array.from({ length: Math.min(applyConcurrencyMax, states.length) }, worker))
  return outcomes
}

const applyOne = (services: Services, breaker: Breaker, offered: RecordState): Promise<OfferOutcome> =>
  withOutcome(services, offered, () => takeIn(services, breaker, offered))

async function takeIn(services: Services, breaker: Breaker, offered: RecordState): Promise<OfferOutcome> {
  for (let attempt = 0; attempt < applyTriesMax; attempt++) {
    const outcome = await tryApply(services, breaker, offered)
    if (outcome) return outcome
    await services.clock.sleep(backoffMs(attempt, services.random.fraction(), { baseMs: 10, capMs: 500 }))
  }
  return { kind: 'failed', code: 'unavailable', detail: 'Many writers are changing this record at once.' }
}

/** Undefined when another writer came first. The loser of a conflict is safe before the winner takes its place. */
async function tryApply(services: Services, breaker: Breaker, offered: RecordState): Promise<OfferOutcome | undefined> {
  const stored = await services.records.get(offered.key)
  const merge = mergeStates(stored && stateOf(stored), offered)
  if (merge.kind !== 'known') {
    const judgement = await breaker.judge(offered, stored, merge.kind === 'replace' ? merge.state : merge.winner)
    if (judgement === 'hold') return { kind: 'frozen' }
    if (stored && judgement === 'restore') return reassert(services, stored, offered)
  }
  for (const loser of losersIn(merge)) await keepLoser(services, breaker, loser)
  switch (merge.kind) {
    case 'known':
      return { kind: 'known' }
    case 'replace':
      return (await replace(services, stored, merge.state, 'peer')) ? { kind: 'applied' } : undefined
    case 'conflict':
      return (await replace(services, stored, merge.winner, 'merge')) ? { kind: 'merged' } : undefined
  }
}

/** Frozen to the peer, since it is not held here: a later write of this site has seen it and stands. */
async function reassert(
  services: Services,
  stored: StoredRecord,
  offered: RecordState,
): Promise<OfferOutcome | undefined> {
  const isDone = await replace(services, stored, reasserted(services, stored, offered), 'merge')
  return isDone ? { kind: 'frozen' } : undefined
}

/**
 * Throws when the losing side could not be kept: then its place must not be taken either. Nothing asks here whether it is too
 * far ahead: what it lost to was let in, and this site's clock may have been set back since. In the quarantine it would be
 * kept nowhere.
 */
async function keepLoser(services: Services, breaker: Breaker, loser: Loser): Promise<void> {
  const state = conflictRecord(loser)
  const outcome = await withOutcome(services, state, () => takeIn(services, breaker, state))
  if (outcome.kind === 'failed') {
    throw new CatamaranError('unavailable', `The losing side of a conflict could not be kept: ${outcome.detail}`)
  }
  if (outcome.kind === 'frozen')
    throw new CatamaranError('unavailable', 'Where the losing side belongs, a breaker holds.')
}

/** False when another writer came first. */
export async function replace(
  services: Services,
  stored: StoredRecord | undefined,
  state: RecordState,
  via: Via,
): Promise<boolean> {
  if (stored) await keepInHistory(services, stored)
  const condition = stored ? ({ kind: 'unchanged', token: stored.token } as const) : ({ kind: 'absent' } as const)
  const content = stored && contentKept(stored, state)
  const facts = { via, arrivalMs: services.clock.now(), ...(content ? { content } : {}) }
  const outcome = await services.records.put(state, condition, facts)
  if (outcome.kind === 'stored' && !stored) countConflict(services, state)
  return outcome.kind === 'stored'
}
