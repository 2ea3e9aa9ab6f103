import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { listen } from '../cosmos/server.ts'
import { CosmosTrigger } from './cosmos-trigger.ts'
import { httpRoutes, matchRoute } from './http-routes.ts'
import { HttpTrigger } from './http-trigger.ts'
import { Invoker } from './invoke.ts'
import { errorText, log } from './log.ts'
import { QueueTrigger } from './queue-trigger.ts'
import { type RegisteredFunction, Registry } from './registry.ts'
import { type Environment, readHostSettings, timeSpanMs } from './settings.ts'
import { TimerTrigger } from './timer-trigger.ts'

export interface FunctionsHostOptions {
  /** The app: a folder with `host.json` and `package.json`. */
  readonly app: string
  readonly port: number
  readonly environment: Environment
  readonly scheduleScale: number
  /** Names this host in leases; a restarted host of the same name goes on at once. */
  readonly owner: string
}

export interface FunctionsHost {
  readonly port: number
  readonly stop: () => Promise<void>
}

const functionTimeoutMsDefault = 30 * 60_000
const stopMsMax = 2_000

/** A Functions host for one v4 app, which it loads into this process. Throws when the app cannot be loaded. */
export async function startFunctionsHost(options: FunctionsHostOptions): Promise<FunctionsHost> {
  const settings = readHostSettings(options.app)
  const registry = new Registry()
  await registry.load(options.app)
  const invoker = new Invoker(registry, timeSpanMs(settings.functionTimeout) ?? functionTimeoutMsDefault)
  const functions = [...registry.functions.values()]
  const timers = new Map<string, TimerTrigger>()
  const triggers: { run(): Promise<void> }[] = []
  for (const registered of functions) {
    const type = registered.metadata.bindings[registered.trigger]?.type
    if (type === 'queueTrigger') triggers.push(new QueueTrigger(registered, invoker, settings, options.environment))
    else if (type === 'cosmosDBTrigger') {
      triggers.push(new CosmosTrigger(registered, invoker, options.environment, options.owner))
    } else if (type === 'timerTrigger') {
      const timer = new TimerTrigger(registered, invoker, options.environment, options.scheduleScale)
      timers.set(registered.metadata.name, timer)
      triggers.push(timer)
    } else if (type !== 'httpTrigger') {
      throw new Error(`Function ${registered.metadata.name}: the local host does not serve ${type}.`)
    }
  }
  const http = new HttpTrigger(invoker, registry.capabilities.HttpUri)
  const routes = httpRoutes(functions, settings.extensions?.http?.routePrefix ?? 'api')
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? '/', 'http://local')
    if (pathname.startsWith('/admin/')) return admin(functions, timers, request.method ?? 'GET', pathname, response)
    const match = matchRoute(routes, request.method ?? 'GET', pathname)
    if (match === undefined) answer(response, 404)
    else await http.handle(request, response, match)
  }
  const server = createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 }, (request, response) => {
    handle(request, response).catch((error: unknown) => {
      log('error', errorText(error))
      response.destroy()
    })
  })
  const port = await listen(server, options.port)
  const running = triggers.map((trigger) => trigger.run().catch((error: unknown) => log('error', errorText(error))))
  return {
    port,
    stop: async () => {
      invoker.stop.abort()
      server.close()
      server.closeIdleConnections()
      const late = new Promise<void>((resolve) => setTimeout(resolve, stopMsMax).unref())
      await Promise.race([Promise.all(running), late])
      await registry.runHooks('appTerminate', {})
      server.closeAllConnections()
      http.close()
    },
  }
}

function answer(response: ServerResponse, status: number, body?: unknown): void {
  const bytes = body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(body))
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length }).end(bytes)
}

/** `GET /admin/functions` lists what is registered; `POST /admin/functions/{name}` runs a timer now. */
async function admin(
  functions: readonly RegisteredFunction[],
  timers: ReadonlyMap<string, TimerTrigger>,
  method: string,
  pathname: string,
  response: ServerResponse,
): Promise<void> {
  const [, , kind, name] = pathname.split('/')
  if (kind === 'host' && name === 'status' && method === 'GET') return answer(response, 200, { state: 'Running' })
  if (kind !== 'functions') return answer(response, 404)
  if (name === undefined && method === 'GET') {
    const list = functions.map(({ metadata, trigger }) => ({
      name: metadata.name,
      config: { bindings: Object.entries(metadata.bindings).map(([binding, rest]) => ({ ...rest, name: binding })) },
      trigger: metadata.bindings[trigger],
      retry: metadata.retryOptions,
    }))
    return answer(response, 200, list)
  }
  const timer = timers.get(decodeURIComponent(name ?? ''))
  if (timer === undefined || method !== 'POST') return answer(response, 404)
  const done = await timer.fire()
  answer(response, done ? 202 : 500)
}
