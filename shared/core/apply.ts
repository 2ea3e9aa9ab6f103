import { CatamaranError, isCatamaranError, isTransient } from '../domain/errors.ts'
import { derivedId } from '../domain/hash.ts'
import type { JsonObject } from '../domain/json.ts'
import { stampAheadMsMax } from '../domain/limits.ts'
import { keyText, type RecordState, type StoredRecord, type Via } from '../domain/record.ts'
import { stampMs } from '../domain/stamp.ts'
import type { OfferOutcome } from '../ports/peer.ts'
import { backoffMs } from '../replication/backoff.ts'
import { contentKept } from '../replication/destruction.ts'
import { losersIn, mergeStates } from '../replication/merge.ts'
import type { Loser } from '../replication/lost-fields.ts'
import { applyFresh } from './apply-fresh.ts'
import { openBreaker, type Breaker } from './breaker.ts'
import { reasserted } from './breaker-restore.ts'
import { conflictRecord, countConflict } from './conflict-record.ts'
import { assertMayTakeIn } from './pause.ts'
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
  const fresh =
    states.length > 1
      ? await applyFresh(
          services,
          states.filter((state) => !isTooFarAhead(services, state)),
        )
      : new Map<RecordState, OfferOutcome>()
  const breaker = openBreaker(services)
  let next = 0
  const worker = async (): Promise<void> => {
    for (let index = next++; index < states.length; index = next++) {
      const state = states[index]
      if (state) outcomes[index] = fresh.get(state) ?? (await applyOne(services, breaker, state))
    }
  }
  await Promise.all(Array.from({ length: Math.min(applyConcurrencyMax, states.length) }, worker))
  return outcomes
}

const applyOne = (services: Services, breaker: Breaker, offered: RecordState): Promise<OfferOutcome> =>
  withOutcome(services, offered, async () =>
    isTooFarAhead(services, offered) ? quarantine(services, offered) : takeIn(services, breaker, offered),
  )

async function withOutcome(
  services: Services,
  offered: RecordState,
  run: () => Promise<OfferOutcome>,
): Promise<OfferOutcome> {
  try {
    return await run()
  } catch (error) {
    services.telemetry.log('error', 'A state from the peer could not be applied', { key: keyText(offered.key) }, error)
    const code = isCatamaranError(error) && !isTransient(error) ? error.code : 'unavailable'
    return { kind: 'failed', code, detail: error instanceof Error ? error.message : String(error) }
  }
}

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

const isTooFarAhead = (services: Services, state: RecordState): boolean =>
  stampMs(state.stamp) > services.clock.now() + stampAheadMsMax

export const quarantinePartition = 'quarantine'

/** Keeps a state whose clock runs ahead; `releaseQuarantine` applies it once its time has come. */
async function quarantine(services: Services, state: RecordState): Promise<OfferOutcome> {
  const id = `${state.stamp}/${derivedId(keyText(state.key))}`
  await services.siteStore.put(
    { partition: quarantinePartition, id, value: { state: state as unknown as JsonObject } },
    { kind: 'any' },
  )
  services.telemetry.log('warn', 'A stamp ahead of this clock was quarantined', {
    key: keyText(state.key),
    stamp: state.stamp,
  })
  return { kind: 'quarantined' }
}

const releaseItems = 100
const releasePagesMax = 10

/** Applies what the quarantine holds and the clock has caught up with, oldest stamp first. What fails stays, and holds nothing up. */
export async function releaseQuarantine(services: Services): Promise<number> {
  let released = 0
  let after: string | undefined
  for (let pages = 0; pages < releasePagesMax; pages++) {
    const page = await services.siteStore.list(quarantinePartition, { after, limit: releaseItems })
    for (const item of page.items) {
      const state = item.value['state'] as unknown as RecordState
      if (isTooFarAhead(services, state)) return released
      const [outcome] = await applyStates(services, [state])
      if (outcome?.kind === 'failed') continue
      await services.siteStore.remove(quarantinePartition, item.id)
      released++
    }
    after = page.next
    if (after === undefined) break
  }
  return released
}
