import type { Site } from '../../shared/domain/site.ts'
import { makeStreams, type Chance } from './chance.ts'
import { runClients } from './clients.ts'
import { code, type Code } from './code.ts'
import { convergence } from './convergence.ts'
import { decayAndRepair } from './decay.ts'
import { brokenInvariants, hasSettled } from './invariants.ts'
import { makeLedger } from './ledger.ts'
import { makeLink } from './link.ts'
import type { Mark, Marks } from './marks.ts'
import { heal, startMischief } from './mischief.ts'
import { drawVersions } from './older.ts'
import { startOperator, startReleasing } from './operator.ts'
import { poison } from './poison.ts'
import { drawProfile, type Profile, type ProfileOverride } from './profile.ts'
import { startReader } from './reader.ts'
import { runRogue } from './rogue.ts'
import { makeScheduler, type Trace } from './scheduler.ts'
import { makeSite, type SimSite } from './site.ts'
import { subscribe } from './subscriber.ts'
import { startTimers } from './timers.ts'
import { startVisitors } from './visitors.ts'
import type { World } from './world.ts'

export interface RunResult {
  readonly seed: number
  readonly profile: Profile
  readonly broken: readonly string[]
  readonly events: number
  readonly virtualMs: number
  readonly digest: string
  readonly marks: readonly (readonly [Mark, number])[]
}

interface Options {
  readonly trace?: Trace | undefined
  readonly override?: ProfileOverride | undefined
  /** The code of an earlier commit, for one of the sites. */
  readonly older?: Code | undefined
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs

/** One run: a storm, healing, then a bounded time in which everything must come right. The same seed, the same run. */
export async function simulate(seed: number, options: Options = {}): Promise<RunResult> {
  // Compiled by threads that know nothing of virtual time, so before it begins.
  await code.hashing
  const restore = poison()
  try {
    return await run(seed, options)
  } finally {
    restore()
  }
}

async function run(seed: number, options: Options): Promise<RunResult> {
  const marks: Marks = new Map()
  const { world, endFaults } = makeWorld(seed, marks, options)
  const { scheduler, profile } = world
  if (profile.rogue !== 'none') return resultOf(world, marks, await runRogue(world, endFaults))
  startTimers(world)
  startMischief(world)
  startOperator(world)
  startReleasing(world)
  startVisitors(world)
  void subscribe(world)
  const reader = startReader(world)
  let done = false
  void runClients(world).then(() => (done = true))
  const stormMs = profile.longOutage ? 10 * 24 * hourMs + hourMs : 4 * hourMs
  for (let ms = minuteMs; (!done || profile.longOutage) && ms <= stormMs; ms += minuteMs) await scheduler.runUntil(ms)
  endFaults()
  heal(world)
  const settledByMs = scheduler.now() + settleMs(profile)
  const records = convergence(world)
  while (scheduler.now() < settledByMs && !hasSettled(world, reader)) {
    for (const untilMs = scheduler.now() + 5 * minuteMs; scheduler.now() < untilMs; records.look()) {
      await scheduler.runUntil(scheduler.now() + minuteMs)
    }
  }
  const settled = done ? brokenInvariants(world, reader) : ['18: the clients did not come to an end']
  const broken = settled.length > 0 ? settled : await decayAndRepair(world)
  return resultOf(world, marks, broken)
}

function resultOf({ seed, profile, scheduler }: World, marks: Marks, broken: readonly string[]): RunResult {
  const { events, digest, now } = scheduler
  return { seed, profile, broken, events: events(), virtualMs: now(), digest: digest(), marks: [...marks] }
}

/** A lost feed event is found within one scrub cycle; a copy that was given up is tried again after six hours. */
function settleMs({ loseFeedEvents, rebuild, longOutage }: Profile): number {
  return loseFeedEvents > 0 || rebuild !== 'none' || longOutage ? 18 * hourMs : 8 * hourMs
}

/** Through days, every few hours; in some of the shorter storms, every half a minute. */
function visitsMsOf({ isCalm, capacity, rogue, longOutage }: Profile, chance: Chance): number {
  if (isCalm || capacity > 0 || rogue !== 'none') return 0
  return longOutage ? 2 * hourMs : chance.of([0, 0, 0, 30_000])
}

/**
 * With two versions of the code nobody plays two versions. People ask of the older one what it offered, which an attack does not know;
 * and sessions are held to a feed that stands still only once both sites tell
 * how far theirs have come (ADR 0063).
 */
const besideOlder: ProfileOverride = { mixedVersions: false, feedStalls: false, rogue: 'none' }

/** A world in which nothing has begun yet. */
export function makeWorld(
  seed: number,
  marks: Marks,
  { trace, override, older }: Options,
): { world: World; endFaults: () => void } {
  const streams = makeStreams(seed)
  const drawn = drawProfile(streams.profile)
  // What is refused during a pause would count as goodput that is missing.
  const pausesMs = drawn.isCalm || drawn.capacity > 0 ? 0 : streams.operator.of([0, 0, 0, 120_000])
  const alike = drawn.uploads ? streams.bytes.of([0, 1, 3]) : 0
  const visitsMs = visitsMsOf(drawn, streams.visits)
  const webhooks = drawn.objects && drawn.capacity === 0 && drawn.rogue === 'none' && streams.visits.oneIn(3)
  const profile = { ...drawn, pausesMs, alike, visitsMs, webhooks, ...(older ? besideOlder : {}), ...override }
  const scheduler = makeScheduler(trace)
  let faults = !profile.isCalm
  const newer = profile.mixedVersions ? streams.profile.of(['aws', 'azure'] as const) : undefined
  const world: World = {
    seed,
    profile,
    scheduler,
    streams,
    ledger: makeLedger(),
    link: makeLink({ scheduler }, { newer }),
    sites: {} as Record<Site, SimSite>,
    versions: older && drawVersions(streams, older),
    mark: (mark) => void marks.set(mark, (marks.get(mark) ?? 0) + 1),
    faultsOn: () => faults,
  }
  world.sites.aws = makeSite(world, 'aws')
  world.sites.azure = makeSite(world, 'azure')
  return { world, endFaults: () => (faults = false) }
}
