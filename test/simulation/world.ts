import { conflictsCollection } from '../../shared/core/conflict-record.ts'
import { keyText, type StoredRecord } from '../../shared/domain/record.ts'
import type { Site } from '../../shared/domain/site.ts'
import { makeStreams, type Streams } from './chance.ts'
import { runClients } from './clients.ts'
import { brokenInvariants, hasConverged } from './invariants.ts'
import { makeLedger, type Ledger } from './ledger.ts'
import { makeLink, type Link } from './link.ts'
import type { Mark, Marks } from './marks.ts'
import { heal, startMischief } from './mischief.ts'
import { poison } from './poison.ts'
import { drawProfile, type Profile } from './profile.ts'
import { makeScheduler, type Scheduler, type Trace } from './scheduler.ts'
import { makeSite, type SimSite } from './site.ts'
import { startTimers } from './timers.ts'

/** Two clouds, the network between them, their clients and their bad luck: all that one run is made of. */
export interface World {
  readonly seed: number
  readonly profile: Profile
  readonly scheduler: Scheduler
  readonly streams: Streams
  readonly ledger: Ledger
  readonly link: Link
  readonly sites: Record<Site, SimSite>
  readonly trace: Trace | undefined
  mark(mark: Mark): void
  faultsOn(): boolean
}

export interface RunResult {
  readonly seed: number
  readonly profile: string
  readonly broken: readonly string[]
  readonly events: number
  readonly virtualMs: number
  readonly digest: string
  readonly marks: Marks
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs

/** One run: a storm, healing, then a bounded time in which everything must come right. The same seed, the same run. */
export async function simulate(
  seed: number,
  options: { trace?: Trace; change?: (profile: Profile) => Profile } = {},
): Promise<RunResult> {
  const restore = poison()
  try {
    return await run(seed, options)
  } finally {
    restore()
  }
}

async function run(
  seed: number,
  { trace, change = (profile) => profile }: { trace?: Trace; change?: (profile: Profile) => Profile },
): Promise<RunResult> {
  const marks: Marks = new Map()
  const world = makeWorld(seed, marks, { trace, change })
  const { scheduler, profile } = world.world
  startTimers(world.world)
  startMischief(world.world)
  let done = false
  void runClients(world.world).then(() => (done = true))
  const stormMs = profile.longOutage ? 10 * 24 * hourMs + hourMs : 2 * hourMs
  for (let ms = minuteMs; (!done || profile.longOutage) && ms <= stormMs; ms += minuteMs) await scheduler.runUntil(ms)
  world.endFaults()
  heal(world.world)
  const healedMs = scheduler.now()
  // A lost feed event is found within one scrub cycle; a copy that was given up is tried again after six hours.
  const settleMs = profile.loseFeedEvents > 0 ? 18 * hourMs : profile.longOutage ? 48 * hourMs : 8 * hourMs
  while (scheduler.now() < healedMs + settleMs) {
    await scheduler.runUntil(scheduler.now() + 5 * minuteMs)
    if (hasConverged(world.world)) break
  }
  const broken = done ? brokenInvariants(world.world) : ['18: the clients did not come to an end']
  return {
    seed,
    profile: profile.name,
    broken,
    events: scheduler.events(),
    virtualMs: scheduler.now(),
    digest: scheduler.digest(),
    marks,
  }
}

function makeWorld(
  seed: number,
  marks: Marks,
  { trace, change }: { trace: Trace | undefined; change: (profile: Profile) => Profile },
): { world: World; endFaults: () => void } {
  const streams = makeStreams(seed)
  const profile = change(drawProfile(streams.faults))
  const scheduler = makeScheduler(trace)
  let faults = profile.name !== 'calm'
  const world: World = {
    seed,
    profile,
    scheduler,
    streams,
    trace,
    ledger: makeLedger(),
    link: makeLink({ scheduler }),
    sites: {} as Record<Site, SimSite>,
    mark: (mark) => void marks.set(mark, (marks.get(mark) ?? 0) + 1),
    faultsOn: () => faults,
  }
  world.sites.aws = makeSite(world, 'aws')
  world.sites.azure = makeSite(world, 'azure')
  return { world, endFaults: () => (faults = false) }
}

/** Notes what a stored state tells about the way it came. */
export function observe(world: World, site: Site, state: StoredRecord, before: StoredRecord | undefined): void {
  const { mark } = world
  world.ledger.stored(site, state)
  world.trace?.(
    `    ${site} stored ${keyText(state.key)} ${state.stamp} ${state.via}${state.deleted ? ' deleted' : ''}`,
  )
  if (state.key.collection === conflictsCollection) return mark('conflict kept')
  if (before?.deleted && !state.deleted && state.via === 'client') mark('record made again after a delete')
  if (state.via !== 'merge') return
  if (state.deleted && before && !before.deleted) mark('delete won over an edit')
  if (!state.deleted && before?.deleted) mark('edit won over a delete')
  const other = site === 'aws' ? 'azure' : 'aws'
  const there = world.sites[other].records.all().find((record) => keyText(record.key) === keyText(state.key))
  if (there?.via === 'merge') mark('merged at both sites')
}
