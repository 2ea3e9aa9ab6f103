import { isCatamaranError, isTransient } from '../domain/errors.ts'
import { backoffMs } from '../replication/backoff.ts'
import { phasesOf, type Operation, type PhaseName } from './operation.ts'
import { arrivalsPhase } from './operation-arrivals.ts'
import { objectsPhase } from './operation-objects.ts'
import { orphansPhase } from './operation-orphans.ts'
import { recheckPhase } from './operation-recheck.ts'
import { onlyCounts, recordsPhase } from './operation-records.ts'
import { makeTally, type Outcome, type Phase, type Step, type Tally } from './operation-step.ts'
import { changeCurrent, endOf, makeRoom, sendOperation } from './operation-store.ts'
import { makePace } from './pace.ts'
import { assertMayCompare } from './pause.ts'
import { isPeerAway } from './peer-health.ts'
import type { Services } from './services.ts'
import type { WorkTools } from './work-tools.ts'

const phases: Readonly<Record<PhaseName, Phase>> = {
  records: recordsPhase,
  recheck: recheckPhase,
  objects: objectsPhase,
  arrivals: arrivalsPhase,
  orphans: orphansPhase,
}

/** One message's share of the work; the next message goes on from there. */
const sliceMs = 45_000
const leaseMs = 90_000
/** What a run that dies has to do again at most. */
const unsavedStepsMax = 8
const unsavedMsMax = 2_000
const beatMs = 20_000
/** How much later than asked for a message may come before another is sent. */
const overdueMs = 30_000
/** SQS delays a message by 15 minutes at most. */
const delayMsMax = 900_000
const failuresMax = 20
const failedDelay = { baseMs: 2_000, capMs: 300_000 }
const peerAwayMs = 30_000

/** Thrown when the operation was cancelled, or another run has it by now. */
class LostOperation extends Error {}

/**
 * Works on an operation for one slice, then sends it on. A second run at the same time finds it held and leaves; one that
 * comes after a run that died goes on from the last step that was saved.
 */
export async function runOperation(
  services: Services,
  work: WorkTools,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const holder = Buffer.from(services.random.bytes(12)).toString('hex')
  const nowMs = services.clock.now()
  const taken = await changeCurrent(services, id, (operation) =>
    operation.holder !== undefined && operation.leaseUntilMs > nowMs
      ? undefined
      : { ...operation, holder, leaseUntilMs: nowMs + leaseMs },
  )
  if (!taken) return makeRoom(services)
  const hold = makeHold(services, id, holder)
  try {
    const { ended, delayMs, waitingFor } = await runSlice({ services, work, signal, hold }, taken)
    if (ended) return await finish(services, ended)
    await release(services, hold, id, { delayMs, waitingFor })
  } catch (error) {
    if (error instanceof LostOperation) return
    await failed(services, hold, { id, error, isOver: signal.aborted })
  }
}

interface Hold {
  /** Changes the operation; throws LostOperation when this run no longer has it. */
  readonly save: (change: (operation: Operation) => Operation) => Promise<Operation>
  readonly beat: () => Promise<void>
}

function makeHold(services: Services, id: string, holder: string): Hold {
  let savedMs = services.clock.monotonicMs()
  const save: Hold['save'] = async (change) => {
    const saved = await changeCurrent(services, id, (operation) =>
      operation.holder === holder ? change({ ...operation, leaseUntilMs: services.clock.now() + leaseMs }) : undefined,
    )
    if (!saved) throw new LostOperation('This run no longer has its operation.')
    savedMs = services.clock.monotonicMs()
    return saved
  }
  const beat = async (): Promise<void> => {
    if (services.clock.monotonicMs() - savedMs >= beatMs) await save((operation) => operation)
  }
  return { save, beat }
}

interface Slice {
  readonly ended?: Operation
  readonly delayMs: number
  readonly waitingFor?: string | undefined
}

async function runSlice(
  { services, work, signal, hold }: Pick<Step, 'services' | 'work' | 'signal'> & { readonly hold: Hold },
  taken: Operation,
): Promise<Slice> {
  const untilMs = services.clock.monotonicMs() + sliceMs
  const pace = makePace(services, taken, { signal, beforeWait: hold.beat })
  let operation = taken
  let [unsaved, savedMs] = [0, services.clock.monotonicMs()]
  const save = async (next: Operation): Promise<Operation> => {
    ;[unsaved, savedMs] = [0, services.clock.monotonicMs()]
    return hold.save(({ leaseUntilMs }) => ({ ...next, leaseUntilMs }))
  }
  for (;;) {
    const tally = makeTally()
    const keep: Step['keep'] = async (position) => {
      operation = await save({ ...tally.into(operation), position })
      tally.clear()
    }
    if (!onlyCounts(operation)) await assertMayCompare(services)
    const outcome = await phases[operation.phase]({
      services,
      work,
      signal,
      pace,
      operation,
      tally,
      beat: hold.beat,
      keep,
    })
    operation = advance(services, operation, outcome, tally)
    unsaved++
    const wait = outcome === 'ended' ? undefined : outcome.wait
    const nowMs = services.clock.monotonicMs()
    const isOver = operation.state !== 'running' || wait !== undefined || signal.aborted || nowMs >= untilMs
    if (isOver || unsaved >= unsavedStepsMax || nowMs - savedMs >= unsavedMsMax) operation = await save(operation)
    if (operation.state !== 'running') return { ended: operation, delayMs: 0 }
    if (wait) return { delayMs: wait.ms, waitingFor: wait.for }
    if (isOver) return { delayMs: pace.owedMs() }
  }
}

function advance(services: Services, operation: Operation, outcome: Outcome, tally: Tally): Operation {
  const { waitingFor: _waiting, ...counted } = { ...tally.into(operation), failures: 0 }
  if (outcome !== 'ended') return { ...counted, position: outcome.position, fraction: outcome.fraction }
  const names = phasesOf[operation.kind].map(([name]) => name)
  const next = names[names.indexOf(operation.phase) + 1]
  if (!next) return endOf(services, { ...counted, fraction: 1 }, { state: 'done' })
  return { ...counted, phase: next, phaseStartedMs: services.clock.now(), position: { at: 0 }, fraction: 0 }
}

async function finish(services: Services, { id, kind, state, startedMs }: Operation): Promise<void> {
  await makeRoom(services)
  const tookMs = services.clock.now() - startedMs
  services.telemetry.log('info', 'An operation ended', { id, kind, state, tookMs })
  services.telemetry.metric('operationMs', tookMs, { kind, state })
}

/** Lets go of the operation, then sends its message: one that gets lost is sent again by the timer. */
async function release(
  services: Services,
  hold: Hold,
  id: string,
  { delayMs, waitingFor, failures }: { delayMs: number; waitingFor?: string | undefined; failures?: number },
): Promise<void> {
  const laterMs = Math.min(delayMs, delayMsMax)
  await hold.save(({ holder: _holder, waitingFor: _waiting, ...operation }) => ({
    ...operation,
    leaseUntilMs: services.clock.now() + laterMs + overdueMs,
    ...(failures === undefined ? {} : { failures }),
    ...(waitingFor === undefined ? {} : { waitingFor }),
  }))
  await sendOperation(services, id, laterMs)
}

async function failed(
  services: Services,
  hold: Hold,
  { id, error, isOver }: { readonly id: string; readonly error: unknown; readonly isOver: boolean },
): Promise<void> {
  if (isOver) return release(services, hold, id, { delayMs: 0 })
  const detail = error instanceof Error ? error.message : String(error)
  if (isPeerAway(error)) return release(services, hold, id, { delayMs: peerAwayMs, waitingFor: detail })
  services.telemetry.log('warn', 'A slice of an operation failed', { id }, error)
  const { failures } = await hold.save((operation) => ({ ...operation, failures: operation.failures + 1 }))
  const isHopeless = isCatamaranError(error) && !isTransient(error)
  if (isHopeless || failures >= failuresMax) {
    return finish(
      services,
      await hold.save((operation) => endOf(services, operation, { state: 'failed', error: detail })),
    )
  }
  const retryMs = isCatamaranError(error) ? error.details.retryAfterMs : undefined
  const delayMs = retryMs ?? backoffMs(failures, services.random.fraction(), failedDelay)
  await release(services, hold, id, { delayMs, waitingFor: detail })
}
