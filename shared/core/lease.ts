import type { JobBody } from '../domain/asset.ts'
import { CatamaranError, hasCode } from '../domain/errors.ts'
import type { JsonObject } from '../domain/json.ts'
import { leaseMs } from './job-state.ts'
import { changeHeldJob, type JobRef } from './job-store.ts'
import type { Services } from './services.ts'

const heartbeatMs = leaseMs / 3
const progressMsMin = 2_000

/** A run's hold on its job. Everything a run does to the world comes after a `check`. */
export interface Lease {
  readonly ref: JobRef
  /** The job as it was when the lease was taken. */
  readonly job: JobBody
  /** Aborted when the lease is lost or the function's time is nearly over. */
  readonly signal: AbortSignal
  /** Throws when another run may have the job by now: a zombie stops here. */
  check(): void
  /** 0 to 1; written at most every two seconds. */
  progress(fraction: number): void
  /** Where the next run may go on, should this one end early; a run that gets so far has used up no attempt. */
  checkpoint(value: JsonObject): Promise<void>
  /** A checkpoint that is no further than the one before: it only says more. */
  note(value: JsonObject): Promise<void>
  /** Whether a checkpoint was written in this run. */
  moved(): boolean
  isLost(): boolean
}

/** Keeps the lease alive while `run` works. */
export async function withLease<Result>(
  services: Services,
  ref: JobRef,
  taken: { readonly job: JobBody; readonly holder: string },
  signal: AbortSignal,
  run: (lease: Lease) => Promise<Result>,
): Promise<{ result: Result } | { error: unknown; lost: boolean; moved: boolean }> {
  const { lease, stop } = holdLease(services, ref, taken, signal)
  try {
    return { result: await run(lease) }
  } catch (error) {
    return { error, lost: lease.isLost(), moved: lease.moved() }
  } finally {
    await stop()
  }
}

function holdLease(
  services: Services,
  ref: JobRef,
  { job, holder }: { readonly job: JobBody; readonly holder: string },
  outer: AbortSignal,
): { lease: Lease; stop: () => Promise<void> } {
  const losing = new AbortController()
  const stopping = new AbortController()
  let untilMs = job.leaseUntilMs
  let fraction = job.progress
  let writtenMs = services.clock.now()
  let moved = false

  const lose = (): void =>
    losing.abort(new CatamaranError('conflict', 'This run no longer holds the lease of its job.'))
  const renew = async (change: Partial<JobBody> = {}): Promise<void> => {
    writtenMs = services.clock.now()
    const leaseUntilMs = writtenMs + leaseMs
    try {
      await changeHeldJob(services, ref, holder, (held) => ({ ...held, ...change, progress: fraction, leaseUntilMs }))
      untilMs = leaseUntilMs
    } catch (error) {
      if (hasCode(error, 'conflict')) lose()
      throw error
    }
  }
  const renewQuietly = (): Promise<void> =>
    renew().catch((error: unknown) =>
      services.telemetry.log('warn', 'A lease was not renewed', { job: ref.job }, error),
    )
  const beat = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await services.clock.sleep(heartbeatMs, stopping.signal).catch(() => undefined)
      if (stopping.signal.aborted) return
      await renewQuietly()
      if (services.clock.now() >= untilMs) lose()
    }
  }
  const beating = beat()
  let writing: Promise<void> = Promise.resolve()
  const signal = AbortSignal.any([outer, losing.signal])
  const lease: Lease = {
    ref,
    job,
    signal,
    check: () => {
      if (services.clock.now() >= untilMs) lose()
      signal.throwIfAborted()
    },
    progress: (value) => {
      fraction = Math.max(fraction, Math.min(1, value))
      if (services.clock.now() - writtenMs < progressMsMin) return
      writtenMs = services.clock.now()
      writing = writing.then(renewQuietly)
    },
    checkpoint: async (value) => {
      await renew({ checkpoint: value, attempts: job.attempts - 1 })
      moved = true
    },
    note: (value) => renew({ checkpoint: value }),
    moved: () => moved,
    isLost: () => losing.signal.aborted,
  }
  const stop = async (): Promise<void> => {
    stopping.abort()
    await Promise.all([beating, writing])
  }
  return { lease, stop }
}
