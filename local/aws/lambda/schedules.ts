import { parseSchedule } from './schedule-expression.ts'

export interface Schedule {
  readonly name: string
  readonly expression: string
  /** Settles when the run has ended, however. */
  readonly run: () => Promise<unknown>
}

const timerMsMax = 60_000

/**
 * Runs schedules on a clock that goes `scale` times as fast. Unlike EventBridge it leaves out a run while the one before
 * is still going, lest a fast clock pile them up.
 */
export class Schedules {
  private readonly startedMs = Date.now()
  private readonly scale: number
  private readonly timers = new Set<NodeJS.Timeout>()
  private closed = false

  constructor(schedules: readonly Schedule[], scale: number) {
    this.scale = scale
    for (const schedule of schedules) {
      const next = parseSchedule(schedule.expression)
      this.plan(schedule, next, next(this.now()))
    }
  }

  private now(): number {
    return this.startedMs + (Date.now() - this.startedMs) * this.scale
  }

  private plan(schedule: Schedule, next: (afterMs: number) => number, dueMs: number): void {
    if (this.closed) return
    const leftMs = (dueMs - this.now()) / this.scale
    const timer = setTimeout(
      () => {
        this.timers.delete(timer)
        if (leftMs > timerMsMax) this.plan(schedule, next, dueMs)
        else {
          schedule
            .run()
            .catch(() => {})
            .finally(() => this.plan(schedule, next, Math.max(next(dueMs), this.now())))
        }
      },
      Math.max(0, Math.min(leftMs, timerMsMax)),
    )
    this.timers.add(timer)
  }

  close(): void {
    this.closed = true
    for (const timer of this.timers) clearTimeout(timer)
  }
}
