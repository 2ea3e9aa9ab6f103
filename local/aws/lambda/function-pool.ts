import { randomUUID } from 'node:crypto'
import type { FunctionFailure, FunctionSpec, Invocation } from './function-spec.ts'
import { Instance, type Log } from './instance.ts'

export interface PoolOptions {
  readonly instancesMax: number
  readonly idleMsMax: number
  readonly waitingMax: number
}

export const poolDefaults: PoolOptions = { instancesMax: 6, idleMsMax: 5 * 60_000, waitingMax: 1000 }

interface Waiting {
  readonly requestId: string
  readonly event: string
  readonly settle: (result: Invocation) => void
  readonly fail: (error: Throttled) => void
  readonly untilMs: number
}

/** Too many invocations wait for an instance: what Lambda answers with 429. */
export class Throttled extends Error {
  constructor() {
    super('Rate Exceeded.')
    this.name = 'Throttled'
  }
}

/** The instances of one function: started as events wait, reused, retired when idle. */
export class FunctionPool {
  readonly spec: FunctionSpec
  private readonly options: PoolOptions
  private readonly log: Log
  private readonly idle: Instance[] = []
  private readonly all = new Set<Instance>()
  private readonly waiting: Waiting[] = []
  private readonly reaper: NodeJS.Timeout
  private starting = 0
  private closed = false

  constructor(spec: FunctionSpec, log: Log, options: Partial<PoolOptions> = {}) {
    this.spec = spec
    this.log = log
    this.options = { ...poolDefaults, ...options }
    this.reaper = setInterval(() => this.retire(), Math.min(this.options.idleMsMax, 10_000)).unref()
  }

  get size(): number {
    return this.all.size
  }

  /** Rejects with Throttled when too many wait, or when no instance was free for `waitMsMax`. */
  invoke(event: string, { waitMsMax = Infinity } = {}): Promise<Invocation> {
    if (this.closed || this.waiting.length >= this.options.waitingMax) return Promise.reject(new Throttled())
    return new Promise((settle, fail) => {
      this.waiting.push({ requestId: randomUUID(), event, settle, fail, untilMs: performance.now() + waitMsMax })
      this.dispatch()
    })
  }

  private dispatch(): void {
    this.dropLate()
    while (this.waiting.length > 0) {
      // The last one used is the warmest, and lets the others grow old.
      const instance = this.idle.pop()
      if (!instance) break
      const next = this.waiting.shift()
      if (next) void this.run(instance, next)
    }
    while (this.waiting.length > this.starting && this.all.size < this.options.instancesMax && !this.closed) this.grow()
  }

  /** Whoever asked has given up by the time that these would be answered: to run them would make the next ones late as well. */
  private dropLate(): void {
    const nowMs = performance.now()
    for (let first = this.waiting[0]; first && first.untilMs < nowMs; first = this.waiting[0]) {
      first.fail(new Throttled())
      this.waiting.shift()
    }
  }

  private grow(): void {
    const instance = new Instance(this.spec, this.log)
    this.all.add(instance)
    this.starting++
    void instance.ended.then(() => {
      this.all.delete(instance)
      const at = this.idle.indexOf(instance)
      if (at >= 0) this.idle.splice(at, 1)
      this.dispatch()
    })
    instance.ready.then(
      () => {
        this.starting--
        this.idle.push(instance)
        this.dispatch()
      },
      (error: FunctionFailure) => {
        this.starting--
        this.log(this.spec.name, `${error.errorType}: ${error.errorMessage}`)
        const next = this.waiting.shift()
        next?.settle({ ok: false, requestId: next.requestId, error })
      },
    )
  }

  private async run(instance: Instance, { requestId, event, settle }: Waiting): Promise<void> {
    const result = await instance.invoke(requestId, event)
    if (!result.ok) {
      const { errorType, errorMessage, trace } = result.error
      this.log(this.spec.name, `${errorType}: ${errorMessage}${trace?.length ? `\n${trace.slice(1).join('\n')}` : ''}`)
    }
    settle(result)
    if (!this.all.has(instance)) return
    // A killed instance leaves by `ended`; it must not be given another event meanwhile.
    if (!result.ok && (result.error.errorType === 'Sandbox.Timedout' || result.error.errorType === 'Runtime.ExitError'))
      return
    this.idle.push(instance)
    this.dispatch()
  }

  private retire(): void {
    const oldestMs = Date.now() - this.options.idleMsMax
    for (const instance of this.idle.filter((each) => each.idleSinceMs < oldestMs)) {
      this.idle.splice(this.idle.indexOf(instance), 1)
      instance.kill()
    }
  }

  async close(): Promise<void> {
    this.closed = true
    clearInterval(this.reaper)
    const error = { errorType: 'Runtime.ExitError', errorMessage: 'The host is closing.' }
    for (const { requestId, settle } of this.waiting.splice(0)) settle({ ok: false, requestId, error })
    const instances = [...this.all]
    for (const instance of instances) instance.kill()
    await Promise.all(instances.map((instance) => instance.ended))
  }
}
