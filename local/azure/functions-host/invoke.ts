import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RetryContext, RetryOptions, TypedData } from './core-types.ts'
import { errorText, log } from './log.ts'
import type { RegisteredFunction, Registry } from './registry.ts'

export const timeoutExitCode = 70
const retryMsDefault = 1_000

export interface Invocation {
  readonly data: TypedData
  readonly triggerMetadata?: Readonly<Record<string, TypedData>>
  readonly retryContext?: RetryContext
  readonly invocationId?: string
  readonly traceParent?: string
}

const newTraceParent = (): string => `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-00`

/** Runs functions as the language worker does. */
export class Invoker {
  readonly #registry: Registry
  readonly #timeoutMs: number
  readonly stop = new AbortController()

  constructor(registry: Registry, timeoutMs: number) {
    this.#registry = registry
    this.#timeoutMs = timeoutMs
  }

  /**
   * One invocation. Rejects when the function throws. A function that outlives the host's `functionTimeout` takes the
   * process down, as the host restarts its worker.
   */
  async invoke(registered: RegisteredFunction, invocation: Invocation): Promise<TypedData | null | undefined> {
    const { metadata, callback, trigger } = registered
    const invocationId = invocation.invocationId ?? randomUUID()
    const timer = setTimeout(() => {
      log('error', `Timeout value of ${this.#timeoutMs} ms exceeded by function ${metadata.name}`, { invocationId })
      process.exit(timeoutExitCode)
    }, this.#timeoutMs)
    try {
      const core = {
        invocationId,
        metadata,
        request: {
          inputData: [{ name: trigger, data: invocation.data }],
          triggerMetadata: invocation.triggerMetadata ?? {},
          traceContext: { traceParent: invocation.traceParent ?? newTraceParent(), traceState: '' },
          ...(invocation.retryContext === undefined ? {} : { retryContext: invocation.retryContext }),
        },
        log: (level: string, category: string, message: string) =>
          log(level, message, { category, function: metadata.name, invocationId }),
      }
      const model = this.#registry.model.getInvocationModel(core)
      const { context, inputs } = await model.getArguments()
      const { appHookData } = this.#registry
      const hook = { hookData: {}, appHookData, invocationContext: context, functionCallback: callback, inputs }
      await this.#registry.runHooks('preInvocation', hook)
      const after: { result: unknown; error: unknown } & typeof hook = { ...hook, result: undefined, error: undefined }
      try {
        after.result = await model.invokeFunction(context, hook.inputs, hook.functionCallback)
      } catch (error) {
        after.error = error
      }
      await this.#registry.runHooks('postInvocation', after)
      if (after.error !== undefined) throw after.error
      return (await model.getResponse(context, after.result)).returnValue
    } catch (error) {
      log('error', errorText(error), { category: 'invocation', function: metadata.name, invocationId })
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  /** With the function's retry policy. True when it succeeded at last. */
  async invokeWithRetry(registered: RegisteredFunction, invocation: Invocation): Promise<boolean> {
    const options = registered.metadata.retryOptions
    const maxRetryCount = options?.maxRetryCount ?? 0
    let exception: { message: string } | undefined
    for (let retryCount = 0; !this.stop.signal.aborted; retryCount += 1) {
      const retryContext = { retryCount, maxRetryCount, ...(exception === undefined ? {} : { exception }) }
      try {
        await this.invoke(registered, options === undefined ? invocation : { ...invocation, retryContext })
        return true
      } catch (error) {
        exception = { message: String((error as { message?: unknown })?.message ?? error) }
      }
      if (options === undefined || (maxRetryCount !== -1 && retryCount >= maxRetryCount)) return false
      await sleep(retryMs(options, retryCount), undefined, { signal: this.stop.signal }).catch(() => undefined)
    }
    return false
  }
}

/** Exponential: doubled from the minimum to the maximum, less up to a fifth by chance. */
function retryMs(options: RetryOptions, retryCount: number): number {
  const milliseconds = (duration: { readonly seconds: number } | undefined, otherwise: number): number =>
    duration === undefined ? otherwise : duration.seconds * 1000
  if (options.retryStrategy !== 'exponentialBackoff') return milliseconds(options.delayInterval, retryMsDefault)
  const min = milliseconds(options.minimumInterval, retryMsDefault)
  const max = milliseconds(options.maximumInterval, 60 * retryMsDefault)
  return Math.min(max, Math.max(min, 1) * 2 ** Math.min(retryCount, 30)) * (0.8 + Math.random() * 0.2)
}
