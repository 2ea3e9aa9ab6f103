import type { RecordState } from '../domain/record.ts'
import type { OfferOutcome } from '../ports/peer.ts'
import type { SiteItem } from '../ports/site-store.ts'
import { applyStates } from './apply.ts'
import { fileDeadLetter } from './dead-letters.ts'
import { isTooFarAhead, quarantinePartition } from './quarantine.ts'
import type { Services } from './services.ts'

const releaseItems = 100
const releasePagesMax = 10
/**
 * Half an hour: a store that takes only some of what it is asked has recovered by then, and what an hour may place is out of
 * the way before the next hour has placed as much again.
 */
const failuresMax = 30

/**
 * Applies what the quarantine holds and the clock has caught up with, oldest stamp first, up to 1,000 a run. What fails stays,
 * and after thirty runs becomes a dead letter, so that it holds nothing up; while the store is away nothing counts as failed.
 * How many were applied.
 */
export async function releaseQuarantine(services: Services): Promise<number> {
  let released = 0
  let after: string | undefined
  for (let pages = 0; pages < releasePagesMax; pages++) {
    const page = await services.siteStore.list(quarantinePartition, { after, limit: releaseItems })
    for (const item of page.items) {
      const state = item.value['state'] as unknown as RecordState
      if (isTooFarAhead(services, state)) return released
      const [outcome] = await applyStates(services, [state])
      if (outcome?.kind === 'failed') {
        if (!(await isStoreThere(services, state))) return released
        await noteFailure(services, item, outcome)
        continue
      }
      if (await services.siteStore.remove(quarantinePartition, item.id, item.token)) released++
    }
    after = page.next
    if (after === undefined) break
  }
  return released
}

async function isStoreThere(services: Services, { key }: RecordState): Promise<boolean> {
  try {
    await services.records.get(key)
    return true
  } catch {
    return false
  }
}

type Failure = Extract<OfferOutcome, { kind: 'failed' }>

/** Filed before it is removed: a run that dies in between files the same letter again. */
async function noteFailure(services: Services, item: SiteItem, { code, detail }: Failure): Promise<void> {
  const { partition, id, token, value } = item
  const failures = Number(value['failures'] ?? 0) + 1
  if (failures < failuresMax) {
    await services.siteStore.put({ partition, id, value: { ...value, failures } }, { kind: 'unchanged', token })
    return
  }
  const payload = { state: value['state'] ?? null }
  await fileDeadLetter(services, { kind: 'apply', cause: `${code}: ${detail}`, payload })
  await services.siteStore.remove(partition, id, token)
}
