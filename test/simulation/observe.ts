import { conflictsCollection } from '../../shared/core/conflict-record.ts'
import { keyText, type StoredRecord } from '../../shared/domain/record.ts'
import { jsonEqual } from '../../shared/domain/json.ts'
import { peerOf, sites, type Site } from '../../shared/domain/site.ts'
import { checkTrashed } from './brought.ts'
import { isBurntLoser } from './burn.ts'
import { isKept } from './content.ts'
import { hasSeen } from './ledger.ts'
import { checkTakenIn } from './operator.ts'
import { checkReady, noteTrashed } from './shared.ts'
import type { World } from './world.ts'

/** A clock set this recently may have been set between a check and the write that it allowed. */
const clockTrustedMs = 60_000
/** When nothing fails, the peer holds a write after this. */
const lagMsMax = 10_000

/** Looks at each state a site stores, in the moment it is stored. */
export function observe(world: World, site: Site, state: StoredRecord, before: StoredRecord | undefined): void {
  const { ledger, scheduler, sites } = world
  const isClockSure = scheduler.now() - sites[site].clockSetMs() > clockTrustedMs
  ledger.stored(site, state, before, isClockSure ? sites[site].now() : undefined)
  scheduler.note(`${site} stored ${keyText(state.key)} ${state.stamp} ${state.via}${state.deleted ? ' deleted' : ''}`)
  markWhatHappened(world, site, state, before)
  if (before) checkHistory(world, site, before)
  if (before && state.via !== 'client') checkNothingDropped(world, site, before, state)
  checkTakenIn(world, site, state)
  checkTrashed(world, site, state)
  noteTrashed(world, site, state)
  checkReady(world, site, state, before)
  if (world.ledger.onWordsAlone[peerOf(site)] && state.via !== 'client') noteWordsAlone(world, site, state)
  if (state.via === 'client') checkOnce(world, site, state, before)
  if (state.via === 'client' && world.profile.isCalm) checkLag(world, site, state)
}

function markWhatHappened(
  { mark, sites }: World,
  site: Site,
  state: StoredRecord,
  before: StoredRecord | undefined,
): void {
  if (state.key.collection === conflictsCollection)
    return mark(state.body?.['fields'] ? 'lost field kept' : 'conflict kept')
  if (before?.deleted && !state.deleted && state.via === 'client') mark('record made again after a delete')
  if (state.via !== 'merge' || !before) return
  if (state.fields) mark('merged by field')
  if (state.deleted && !before.deleted) mark('delete won over an edit')
  if (!state.deleted && before.deleted) mark('edit won over a delete')
  if (state.stamp !== before.stamp && jsonEqual(state.body, before.body)) mark('conflict without loss')
  if (sites[peerOf(site)].latestOf(state.key)?.via === 'merge') mark('merged at both sites')
}

/** 5. What is overwritten stays in the history of its site. */
function checkHistory({ ledger, sites }: World, site: Site, before: StoredRecord): void {
  const id = keyText(before.key)
  void sites[site].siteStore.get(`history/${id}`, before.stamp).then((item) => {
    if (!item) ledger.violations.push(`5: ${site} overwrote ${id} ${before.stamp} and did not keep it in its history`)
  })
}

/**
 * 2 and 4. What another state takes the place of is not lost, whatever burns next: nothing is left to the other site, unless
 * this one or that one has lost data itself.
 */
function checkNothingDropped(world: World, site: Site, before: StoredRecord, state: StoredRecord): void {
  const { ledger, mark, profile } = world
  if (isKept(world, profile.rebuild === 'none' ? [site] : sites, before)) return
  if (isBurntLoser(world, site, before, state)) {
    mark('conflict burnt with its site')
    ledger.acknowledged = ledger.acknowledged.filter(({ stamp }) => stamp !== before.stamp)
    return
  }
  ledger.violations.push(`4: ${site} dropped ${keyText(before.key)} ${before.stamp}`)
}

/** The worst moment for the other site to burn. */
function noteWordsAlone(world: World, site: Site, { key, stamp: own, vector }: StoredRecord): void {
  const { ledger } = world
  for (const [stamp, { state }] of ledger.writes.ofRecord(key)) {
    if (stamp === own || !hasSeen(vector, stamp) || ledger.holders.has(`${site} ${stamp}`)) continue
    if (!isKept(world, [site], state)) ledger.onWordsAlone[peerOf(site)]?.()
  }
}

/** 6. A request that this record has honoured before is not carried out again. */
function checkOnce({ ledger }: World, site: Site, state: StoredRecord, before: StoredRecord | undefined): void {
  const own = state.applied?.find(({ stamp }) => stamp === state.stamp)
  if (!own || !before) return
  for (const [stamp, { state: earlier }] of ledger.writes.ofRecord(state.key)) {
    if (stamp === state.stamp || !earlier.applied?.some(({ key, stamp: at }) => key === own.key && at === stamp))
      continue
    if (hasSeen(before.vector, stamp)) {
      ledger.violations.push(`6: ${own.print} was carried out twice at ${site}, which had seen ${stamp}`)
    }
  }
}

function checkLag({ ledger, scheduler, sites }: World, site: Site, { key, stamp }: StoredRecord): void {
  const other = peerOf(site)
  scheduler.at(scheduler.now() + lagMsMax, 'lag check', () => {
    if (hasSeen(sites[other].latestOf(key)?.vector, stamp)) return
    ledger.violations.push(`1: ${keyText(key)} ${stamp} was not at ${other} after ${lagMsMax} ms`)
  })
}
