import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

/** What is used of Azurite's own classes, which carry no stable types. */
interface Loki {
  autosaveDirty(): boolean
  saveDatabase(done: (error?: unknown) => void): void
}
interface AzuriteService {
  readonly httpServer: Server
  readonly metadataStore: { readonly db: Loki }
  readonly extentMetadataStore: { readonly db: Loki }
  start(): Promise<void>
  close(): Promise<void>
}
type Constructor<T> = new (...args: unknown[]) => T

const require = createRequire(import.meta.url)
const load = <T>(path: string): Constructor<T> =>
  (require(`azurite/dist/src/${path}`) as { default: Constructor<T> }).default

export interface AzuriteOptions {
  readonly folder: string
  readonly blobPort: number
  readonly queuePort: number
}

const keepAliveSeconds = 60

function service(kind: 'blob' | 'queue', folder: string, port: number): AzuriteService {
  const name = kind === 'blob' ? 'Blob' : 'Queue'
  const paths = [{ locationId: 'Default', locationPath: join(folder, `${kind}-extents`), maxConcurrency: 50 }]
  const configuration = new (load<object>(`${kind}/${name}Configuration.js`))(
    '127.0.0.1',
    port,
    keepAliveSeconds,
    join(folder, `${kind}.json`),
    join(folder, `${kind}-extents.json`),
    paths,
    false, // access log
    undefined,
    false, // debug log
    undefined,
    false, // loose
    true, // API versions newer than Azurite's are taken
  )
  return new (load<AzuriteService>(`${kind}/${name}Server.js`))(configuration)
}

/** Waits until everything that was true at the call is on disk; calls that come meanwhile share the next save. */
function flusher(databases: readonly Loki[]): () => Promise<void> {
  const save = (database: Loki): Promise<void> =>
    new Promise((resolve, reject) => {
      if (!database.autosaveDirty()) resolve()
      else database.saveDatabase((error) => (error ? reject(error) : resolve()))
    })
  let running: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined
  return () => {
    next ??= running.then(() => {
      next = undefined
      running = Promise.all(databases.map(save)).then(() => undefined)
      return running
    })
    return next
  }
}

const isWrite = ({ method }: IncomingMessage): boolean => method === 'PUT' || method === 'POST' || method === 'DELETE'

/**
 * Azurite keeps its metadata in memory and saves it every five seconds, so a killed process forgets what it had
 * acknowledged. Here the answer to a write waits for the save.
 */
function acknowledgeAfterSave({ httpServer, metadataStore, extentMetadataStore }: AzuriteService): void {
  const flush = flusher([extentMetadataStore.db, metadataStore.db])
  httpServer.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    if (!isWrite(request)) return
    const end = response.end.bind(response)
    const delayed = (...args: Parameters<typeof end>): ServerResponse => {
      flush().then(
        () => end(...args),
        () => response.destroy(),
      )
      return response
    }
    response.end = delayed as typeof response.end
  })
}

/** Azurite's Blob and Queue services in this process, without telemetry, on 127.0.0.1. */
export async function startAzurite(options: AzuriteOptions): Promise<{ stop: () => Promise<void> }> {
  const folder = join(options.folder)
  mkdirSync(folder, { recursive: true })
  const services = [service('blob', folder, options.blobPort), service('queue', folder, options.queuePort)]
  for (const one of services) acknowledgeAfterSave(one)
  await Promise.all(services.map((one) => one.start()))
  return {
    stop: async () => {
      for (const { httpServer } of services) httpServer.closeAllConnections()
      await Promise.all(services.map((one) => one.close()))
    },
  }
}
