import { stateOf } from '../../shared/core/record-history.ts'
import type { Services } from '../../shared/core/services.ts'
import { sha256Hex } from '../../shared/domain/hash.ts'
import type { JsonObject } from '../../shared/domain/json.ts'
import { keyText, type RecordKey, type RecordState, type StoredRecord } from '../../shared/domain/record.ts'
import { peerOf, sites, type Site } from '../../shared/domain/site.ts'
import { formatStamp, stampMs } from '../../shared/domain/stamp.ts'
import { vectorText } from '../../shared/replication/vector.ts'
import type { Code } from './code.ts'
import { makeInvocation } from './invocation.ts'
import { linkTo } from './link.ts'
import { request } from './request.ts'
import { isPrecious, preciousText, startGuard } from './rogue-guard.ts'
import type { SimSite } from './site.ts'
import { startTimers } from './timers.ts'
import type { World } from './world.ts'

/** What a site does that has gone over to the other side. */
export interface RoguePlan {
  readonly honest: SimSite
  readonly rogue: SimSite
  readonly keys: readonly RecordKey[]
  readonly action: 'delete' | 'overwrite'
  /** As it is; long ago; just below what is quarantined; in the name of the site that is attacked. */
  readonly stamps: 'true' | 'old' | 'ahead' | 'theirs'
  readonly isPatient: boolean
  /** Through its own store, so that its feed and its digests tell of it, or by words alone. */
  readonly route: 'store' | 'offers' | 'both'
  readonly rounds: number
  /** It first repeats what is held, as if that were its own work of this hour. */
  readonly repeats: boolean
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
const perTenant = 60
const burst = 40
const decision = { by: 'operator', reason: 'the other site has gone mad' }

function drawPlan({ streams: { workload }, sites: all, profile }: World): RoguePlan {
  const tenants = Array.from({ length: workload.of([1, 1, 2, 5]) }, (_, index) => `t${index}`)
  const keys = tenants.flatMap((tenant) =>
    Array.from({ length: perTenant }, (_, index): RecordKey => ({ tenant, collection: 'notes', id: `r${index}` })),
  )
  // One tenant after the other, or all in turn.
  if (workload.oneIn(2)) keys.sort((a, b) => (a.id < b.id ? -1 : 1))
  const honest = all[workload.of(sites)]
  return {
    honest,
    rogue: all[peerOf(honest.site)],
    keys,
    action: profile.rogue === 'deletes' ? 'delete' : 'overwrite',
    stamps: workload.of(['true', 'old', 'ahead', 'theirs'] as const),
    isPatient: workload.oneIn(3),
    route: workload.of(['store', 'offers', 'both'] as const),
    rounds: workload.between(1, 2),
    repeats: workload.oneIn(2),
  }
}

/** An attack by one site upon the other, and what people make of it. Returns what is not as it must be. */
export async function runRogue(world: World, endFaults: () => void): Promise<string[]> {
  const drawn = drawPlan(world)
  const { honest, rogue } = drawn
  world.mark('site gone mad')
  startTimers(world)
  const plan = { ...drawn, keys: await seed(world, drawn) }
  const { keys } = plan
  // What is destroyed has rested.
  passTime(world, dayMs + hourMs)
  const beganMs = honest.now()
  const guard = startGuard(world, plan)
  const late = new Set<string>()
  for (let round = 0; round < plan.rounds; round++) {
    const written = ordinaryWrites(world, plan, round)
    await drive(world, attack(world, plan))
    await drive(world, Promise.all([written, world.scheduler.delay(5 * minuteMs, 'somebody notices')]))
    await drive(world, decide(world, plan, beganMs))
    for (const key of await lateWrites(world, plan, round)) late.add(keyText(key))
    passTime(world, 2 * hourMs)
  }
  endFaults()
  const isWell = (): boolean =>
    keys.every((key) => isPrecious(honest.latestOf(key)) && isPrecious(rogue.latestOf(key))) && areAlike(plan)
  const untilMs = world.scheduler.now() + 19 * hourMs
  while (world.scheduler.now() < untilMs && !isWell()) {
    await world.scheduler.runUntil(world.scheduler.now() + 5 * minuteMs)
  }
  return [...guard.broken(), ...notRestored(plan), ...lostWrites(plan, late), ...violationsOf(world, plan)]
}

/** Runs until something has come to an end. */
async function drive(world: World, work: Promise<unknown>): Promise<void> {
  let isDone = false
  void work.then(() => (isDone = true))
  const { scheduler } = world
  for (const untilMs = scheduler.now() + dayMs; !isDone && scheduler.now() < untilMs; ) {
    await scheduler.runUntil(scheduler.now() + minuteMs)
  }
  if (!isDone) world.ledger.violations.push('18: an attack, or those who deal with it, did not come to an end')
}

/** Both clocks go on, and nothing happens meanwhile. */
function passTime({ sites: all }: World, ms: number): void {
  for (const site of sites) all[site].setClock(all[site].clockOffsetMs() + ms)
}

/** Asks until there is an answer. What goes through hundreds of records may take its time. */
async function insist(
  world: World,
  site: Site,
  run: (services: Services, code: Code) => Promise<unknown>,
): Promise<void> {
  for (;;) {
    const { kind } = await request(world, site, run, 'time')
    if (kind !== 'unknown') return
    await world.scheduler.delay(5_000, `${site} is asked again`)
  }
}

/** The records that both sites hold in the end. */
async function seed(world: World, { honest, rogue, keys }: RoguePlan): Promise<readonly RecordKey[]> {
  for (const key of keys) {
    const home = world.streams.workload.of([honest, rogue])
    await put(home, { ...created(home, key), body: { text: preciousText } })
  }
  const isThere = (key: RecordKey): boolean => Boolean(honest.latestOf(key) && rogue.latestOf(key))
  const untilMs = world.scheduler.now() + hourMs
  while (!keys.every(isThere) && world.scheduler.now() < untilMs) {
    await world.scheduler.runUntil(world.scheduler.now() + minuteMs)
  }
  return keys.filter(isThere)
}

/** No two writes have the same stamp: the ledger knows them by it. */
const nonceOf = (key: RecordKey): string => sha256Hex(keyText(key)).slice(0, 8)

function created(site: SimSite, key: RecordKey): Omit<RecordState, 'body'> {
  const stamp = formatStamp({ ms: site.now(), counter: 0, nonce: nonceOf(key), site: site.site })
  return { key, vector: { [site.site]: stamp }, stamp, deleted: false, createdMs: site.now() }
}

async function put(site: SimSite, state: RecordState): Promise<void> {
  const stored = site.latestOf(state.key)
  const condition = stored ? ({ kind: 'unchanged', token: stored.token } as const) : ({ kind: 'absent' } as const)
  await site.records.put(state, condition, { via: 'client', arrivalMs: site.now() })
}

/** Destroys everything: at once, or in bursts that stay below what an hour may take. */
async function attack(world: World, plan: RoguePlan): Promise<void> {
  const { keys, isPatient, rogue, route } = plan
  const size = isPatient ? burst : keys.length
  const send = async (states: readonly RecordState[]): Promise<void> => {
    if (route !== 'offers') for (const state of states) await put(rogue, state)
    if (route === 'store') return
    for (const state of states) tellLedger(world, plan, state)
    await offerAll(world, plan, states)
  }
  for (let start = 0; start < keys.length; start += size) {
    const some = keys.slice(start, start + size)
    if (plan.repeats) {
      await send(some.flatMap((key) => repeated(plan, key) ?? []))
      await world.scheduler.delay(minuteMs, 'the rogue lets it sink in')
    }
    await send(some.flatMap((key) => forged(plan, key) ?? []))
    await world.scheduler.delay(3 * minuteMs, 'the rogue waits')
    if (isPatient) passTime(world, hourMs + 6 * minuteMs)
  }
}

/** What was never stored at the rogue site is a write all the same, on top of what was: whatever else it drops is lost. */
function tellLedger({ ledger }: World, { rogue }: RoguePlan, state: RecordState): void {
  const before = rogue.latestOf(state.key)
  if (!before || ledger.writes.has(state.stamp)) return
  ledger.writes.set(state.stamp, { state: { ...before, ...state }, before })
}

function forged(plan: RoguePlan, key: RecordKey): RecordState | undefined {
  const stored = plan.rogue.latestOf(key)
  if (!stored) return undefined
  return written(plan, stored, { counter: 1, body: plan.action === 'delete' ? null : { text: 'garbage' } })
}

/** The same content under a new stamp, older than that of what is forged afterwards. */
function repeated(plan: RoguePlan, key: RecordKey): RecordState | undefined {
  const stored = plan.rogue.latestOf(key)
  return stored && written(plan, stored, { counter: 0, body: stored.body })
}

function written(
  { honest, rogue, stamps }: RoguePlan,
  stored: StoredRecord,
  { counter, body }: { readonly counter: number; readonly body: JsonObject | null },
): RecordState {
  const nowMs = rogue.now()
  const at = { true: nowMs, old: stampMs(stored.stamp) + 1000, ahead: nowMs + 50_000, theirs: nowMs }
  const site = stamps === 'theirs' ? honest.site : rogue.site
  const stamp = formatStamp({ ms: at[stamps], counter, nonce: nonceOf(stored.key), site })
  return { ...stateOf(stored), vector: { ...stored.vector, [site]: stamp }, stamp, deleted: body === null, body }
}

const offerStates = 50

/** Several at once, and some twice. */
async function offerAll(world: World, { rogue }: RoguePlan, states: readonly RecordState[]): Promise<void> {
  const offers: Promise<unknown>[] = []
  for (let start = 0; start < states.length; start += offerStates) {
    const batch = states.slice(start, start + offerStates)
    const times = world.streams.workload.oneIn(4) ? 2 : 1
    for (let time = 0; time < times; time++) {
      const invocation = makeInvocation(world, rogue.site, 'rogue', batch.length)
      offers.push(Promise.race([linkTo(world, invocation).offer(batch), invocation.killed]).catch(() => {}))
    }
  }
  await Promise.all(offers)
}

const writesARound = 8
const ordinaryKey = (round: number, index: number): RecordKey => ({
  tenant: 't0',
  collection: 'orders',
  id: `${round}-${index}`,
})

/** People at the rogue site know nothing: they make records and change them. */
async function ordinaryWrites(world: World, { rogue }: RoguePlan, round: number): Promise<void> {
  for (let index = 0; index < writesARound; index++) {
    for (const text of ['made', 'changed']) {
      const key = ordinaryKey(round, index)
      await insist(world, rogue.site, (services, { writeRecord }) =>
        writeRecord(services, key, { precondition: { kind: 'none' } }, () => ({ text })),
      )
    }
    await world.scheduler.delay(30_000, 'a client thinks')
  }
}

/**
 * Time that passes in a moment makes what is on its way come late, so it waits for that first. Returns what needed most of an
 * hour, since one request in a few answers nothing: nobody can tell any more that it is somebody's work.
 */
async function lateWrites({ scheduler }: World, { honest }: RoguePlan, round: number): Promise<readonly RecordKey[]> {
  const keys = Array.from({ length: writesARound }, (_, index) => ordinaryKey(round, index))
  const late = (): RecordKey[] => keys.filter((key) => textOf(honest, key) !== 'changed')
  const untilMs = scheduler.now() + 40 * minuteMs
  while (late().length > 0 && scheduler.now() < untilMs) await scheduler.runUntil(scheduler.now() + minuteMs)
  return late()
}

const textOf = (site: SimSite, key: RecordKey): unknown => site.latestOf(key)?.body?.['text']

/** A person refuses it all; at the other site, back in good hands, somebody lets the restored records in. */
async function decide(world: World, { honest, rogue }: RoguePlan, sinceMs: number): Promise<void> {
  await insist(world, honest.site, (services, code) => code.freezeBreaker(services, decision))
  await insist(world, honest.site, (services, code) => code.rejectBreaker(services, { ...decision, sinceMs }))
  await insist(world, rogue.site, (services, code) => code.releaseBreaker(services, { ...decision, forMs: dayMs }))
}

function areAlike({ honest, rogue }: RoguePlan): boolean {
  if (honest.latest.size !== rogue.latest.size) return false
  return [...honest.latest].every(([id, { vector }]) => {
    const other = rogue.latest.get(id)
    return other !== undefined && vectorText(other.vector) === vectorText(vector)
  })
}

function notRestored(plan: RoguePlan): string[] {
  const lost = [plan.honest, plan.rogue].flatMap((site) =>
    plan.keys
      .filter((key) => !isPrecious(site.latestOf(key)))
      .map((key) => `breaker: ${keyText(key)} did not come back at ${site.site}`),
  )
  return lost.length > 0 || areAlike(plan) ? lost : ['1: the sites differ after an attack']
}

/** Writes went on while deletes were held. When hours pass in a moment, a change comes as late as if it were no work any more. */
function lostWrites({ honest, rounds, isPatient }: RoguePlan, late: ReadonlySet<string>): string[] {
  const keys = Array.from({ length: rounds * writesARound }, (_, index) =>
    ordinaryKey(Math.floor(index / writesARound), index % writesARound),
  )
  return keys
    .filter((key) => {
      const text = textOf(honest, key)
      return text !== 'changed' && !((isPatient || late.has(keyText(key))) && text === 'made')
    })
    .map((key) => `breaker: the write of ${keyText(key)} did not get through`)
}

/**
 * What the rogue does in its own house is no fault of the code. A write forged in the name of the attacked site claims to have
 * seen all that this site ever wrote, so it takes the place of restored records that the rogue has never met: those come back
 * out of the history, and not as conflicts.
 */
const violationsOf = ({ ledger }: World, { rogue, stamps }: RoguePlan): string[] =>
  ledger.violations.filter(
    (violation) => !violation.includes(rogue.site) && !(stamps === 'theirs' && violation.startsWith('4:')),
  )
