import { setTimeout as sleep } from 'node:timers/promises'
import type { Invoker } from './invoke.ts'
import type { RegisteredFunction } from './registry.ts'
import { parseSchedule } from './schedule.ts'
import { type Environment, resolveExpression } from './settings.ts'

const sleepMsMax = 2 ** 31 - 1

/** Runs one timer function when it is due, never twice at once. */
export class TimerTrigger {
  readonly #registered: RegisteredFunction
  readonly #invoker: Invoker
  readonly #schedule: string
  readonly #scale: number
  readonly #runOnStartup: boolean
  #lastMs = 0
  #running: Promise<boolean> | undefined

  constructor(registered: RegisteredFunction, invoker: Invoker, environment: Environment, scheduleScale: number) {
    this.#registered = registered
    this.#invoker = invoker
    this.#scale = scheduleScale
    const binding = registered.metadata.bindings[registered.trigger]
    this.#schedule = resolveExpression(String(binding?.schedule), environment)
    this.#runOnStartup = binding?.runOnStartup === true
    parseSchedule(this.#schedule)
  }

  async run(): Promise<void> {
    const { signal } = this.#invoker.stop
    const next = parseSchedule(this.#schedule)
    if (this.#runOnStartup) await this.fire()
    while (!signal.aborted) {
      const now = Date.now()
      const waitMs = Math.max((next(now) - now) / this.#scale, 1)
      await sleep(Math.min(waitMs, sleepMsMax), undefined, { signal }).catch(() => undefined)
      if (!signal.aborted && waitMs <= sleepMsMax) await this.fire()
    }
  }

  /** Runs it now, or waits for the run that is under way. True when it succeeded. */
  fire(): Promise<boolean> {
    this.#running ??= this.#fire().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #fire(): Promise<boolean> {
    const now = Date.now()
    const iso = (ms: number): string => new Date(ms).toISOString()
    const status = { Last: iso(this.#lastMs), Next: iso(parseSchedule(this.#schedule)(now)), LastUpdated: iso(now) }
    this.#lastMs = now
    const timer = { Schedule: { AdjustForDST: true }, ScheduleStatus: status, IsPastDue: false }
    return this.#invoker.invokeWithRetry(this.#registered, { data: { json: JSON.stringify(timer) } })
  }
}
