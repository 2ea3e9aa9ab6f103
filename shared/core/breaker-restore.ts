import type { RecordState, StoredRecord } from '../domain/record.ts'
import { peerOf } from '../domain/site.ts'
import { stampSite } from '../domain/stamp.ts'
import { joinVectors } from '../replication/vector.ts'
import { listPassed, passedId, type Passed } from './breaker-log.ts'
import { listScopes, swapScope, tenantOfScope, type Verdict } from './breaker-scope.ts'
import { forEachOf } from './each.ts'
import { recordVersion } from './record-history.ts'
import { nextState, writeRecord } from './records.ts'
import type { Services } from './services.ts'

const pageItems = 50
const pagesMax = 20
const restoreConcurrencyMax = 8

/**
 * What is stored here, as a new write that has seen the rejected one: the feed carries it to the peer, which thereby gets
 * back what it lost.
 */
export function reasserted(services: Services, stored: StoredRecord, offered: RecordState): RecordState {
  const { overruled: _, ...present } = stored
  const current = { ...present, vector: joinVectors(stored.vector, offered.vector) }
  return nextState(services, { key: stored.key, current, body: stored.body })
}

/** What the timer does: goes on bringing back what was let through before a rejection. May be killed anywhere and done twice. */
export async function tendBreaker(services: Services): Promise<void> {
  for (const { id, scope } of await listScopes(services)) {
    if (scope.verdict?.restore?.isDone === false) await restorePassed(services, id, scope.verdict)
  }
}

/** What was let through a moment before the rejection may be applied only a moment after it. */
const settledMs = 120_000

/** Walks the log from where the last run came to, and once more when all has settled. */
async function restorePassed(services: Services, id: string, verdict: Verdict): Promise<void> {
  const tenant = tenantOfScope(id)
  let after = verdict.restore?.after ?? passedId(verdict.restore?.fromMs ?? 0)
  for (let pages = 0; pages < pagesMax; pages++) {
    const page = await listPassed(services, { after, limit: pageItems }, verdict.upToMs)
    const wanted = page.passed.filter(({ key }) => tenant === undefined || key.tenant === tenant)
    let restored = 0
    for (const group of oncePerRecord(wanted)) {
      await forEachOf(group, restoreConcurrencyMax, async (passed) => {
        if (await restoreOne(services, passed)) restored++
      })
    }
    after = page.last ?? after
    const isEnd = page.next === undefined
    const isDone = isEnd && services.clock.now() > verdict.atMs + settledMs
    await swapScope(services, id, (scope) => {
      const restore = scope.verdict?.atMs === verdict.atMs ? scope.verdict.restore : undefined
      if (!scope.verdict || !restore) return { result: undefined }
      const { fromMs } = restore
      const place = isEnd && !isDone ? {} : { after }
      const further = { fromMs, ...place, restored: restore.restored + restored, isDone }
      return { scope: { ...scope, verdict: { ...scope.verdict, restore: further } }, result: undefined }
    })
    if (isEnd) return
  }
}

/** A record that was destroyed twice goes back to what it was the first time. */
function* oncePerRecord(passed: readonly Passed[]): Generator<readonly Passed[]> {
  const byRecord = Map.groupBy(passed, ({ key }) => JSON.stringify(key))
  const most = Math.max(0, ...[...byRecord.values()].map(({ length }) => length))
  for (let round = 0; round < most; round++) yield [...byRecord.values()].flatMap((each) => each[round] ?? [])
}

/**
 * Only what the peer put there makes way; whoever wrote here since then has seen it. What the peer itself brought back is
 * written again as ours, so that a later destruction in the log, of what stood there in between, is not undone after it.
 */
async function restoreOne(services: Services, { key, stamp }: Passed): Promise<boolean> {
  const isPeers = (record: StoredRecord): boolean =>
    record.via === 'peer' || stampSite(record.stamp) === peerOf(services.site)
  const current = await services.records.get(key)
  if (!current || !isPeers(current)) return false
  const kept = (await recordVersion(services, key, stamp))?.body
  if (!kept) {
    services.telemetry.log('error', 'A rejected delete cannot be undone: its history is gone', { key: key.id })
    return false
  }
  const { record } = await writeRecord(services, key, { precondition: { kind: 'none' } }, (body, live) =>
    body && (!live || !isPeers(live)) ? body : kept,
  )
  return record.stamp !== current.stamp
}
