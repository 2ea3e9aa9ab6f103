import Module, { createRequire } from 'node:module'
import { resolve } from 'node:path'
import type { Callback, FunctionMetadata, HookCallback, ProgrammingModel } from './core-types.ts'
import { log } from './log.ts'

export interface RegisteredFunction {
  readonly metadata: FunctionMetadata
  readonly callback: Callback
  /** The name of the trigger's binding. */
  readonly trigger: string
}

interface Loader {
  _load: (this: void, request: string, ...rest: unknown[]) => unknown
}

/** What an app registered while it was loaded. */
export class Registry {
  readonly functions = new Map<string, RegisteredFunction>()
  readonly hooks = new Map<string, HookCallback[]>()
  readonly appHookData: Record<string, unknown> = {}
  capabilities: Readonly<Record<string, string>> = {}
  #model: ProgrammingModel | undefined
  #sealed = false

  get model(): ProgrammingModel {
    if (this.#model === undefined) throw new Error('The app set no programming model: does it import @azure/functions?')
    return this.#model
  }

  /**
   * Loads a v4 app: `main` of the folder's package.json, in this process. `@azure/functions-core` exists only inside
   * the worker, so the loader answers that name with this registry.
   */
  async load(folder: string): Promise<void> {
    const root = resolve(folder)
    const require = createRequire(`${root}/`)
    const main = (require(`${root}/package.json`) as { main?: string }).main ?? 'index.js'
    const loader = Module as unknown as Loader
    const original = loader._load
    const core = this.#coreApi()
    loader._load = (request, ...rest) => (request === '@azure/functions-core' ? core : original(request, ...rest))
    require(resolve(root, main))
    if (this.functions.size === 0) throw new Error(`The app in ${folder} registered no functions.`)
    this.capabilities = await this.model.getCapabilities({})
    this.#sealed = true
    await this.runHooks('appStart', {})
  }

  async runHooks(name: string, context: Record<string, unknown>): Promise<void> {
    for (const hook of this.hooks.get(name) ?? []) await hook(context)
  }

  #coreApi(): Record<string, unknown> {
    return {
      version: '3.13.0',
      hostVersion: '4.1044.0',
      registerFunction: (metadata: FunctionMetadata, callback: Callback) => this.#register(metadata, callback),
      registerHook: (name: string, callback: HookCallback) => {
        const hooks = this.hooks.get(name) ?? []
        this.hooks.set(name, [...hooks, callback])
        return {
          dispose: () =>
            this.hooks.set(
              name,
              (this.hooks.get(name) ?? []).filter((hook) => hook !== callback),
            ),
        }
      },
      setProgrammingModel: (model: ProgrammingModel) => {
        this.#model = model
      },
      getProgrammingModel: () => this.#model,
      log: (level: string, category: string, message: string) => {
        if (level !== 'debug' && level !== 'trace') log(level, message, { category })
      },
    }
  }

  #register(metadata: FunctionMetadata, callback: Callback): { dispose(): void } {
    if (this.#sealed) throw new Error(`Function ${metadata.name} was registered after the app had started.`)
    if (this.functions.has(metadata.name)) throw new Error(`Two functions are named ${metadata.name}.`)
    const bindings = Object.entries(metadata.bindings)
    const trigger = bindings.find(([, binding]) => binding.type.endsWith('Trigger'))?.[0]
    if (trigger === undefined) throw new Error(`Function ${metadata.name} has no trigger.`)
    for (const [name, binding] of bindings) {
      if (name !== trigger && binding.type !== 'http') {
        throw new Error(`Function ${metadata.name}: the local host does not serve the binding type ${binding.type}.`)
      }
    }
    this.functions.set(metadata.name, { metadata, callback, trigger })
    return { dispose: () => undefined }
  }
}
