import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import type { Server } from 'node:http'
import Module, { createRequire } from 'node:module'
import { join } from 'node:path'
import { hashing } from '../../shared/domain/hashing.ts'
import { type Loki, LokiJournal } from './azurite-journal.ts'

/** What is used of Azurite's own classes, which carry no stable types. */
interface AzuriteStore {
  readonly db: Loki
  init(): Promise<void>
}
interface AzuriteService {
  readonly httpServer: Server
  readonly metadataStore: AzuriteStore
  readonly extentMetadataStore: AzuriteStore
  start(): Promise<void>
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

interface Loader {
  _load: (this: void, request: string, ...rest: unknown[]) => unknown
}

/** Telemetry is never turned on here, and loading its client is two thirds of Azurite's start. */
function leaveOutTelemetry(): void {
  const loader = Module as unknown as Loader
  const original = loader._load
  loader._load = (request, ...rest) => (request === 'applicationinsights' ? {} : original(request, ...rest))
}

interface Checksums {
  readonly md5?: unknown
  readonly crc64?: unknown
}
interface ChecksumModule {
  computeTransactionalChecksums(
    stream: AsyncIterable<Uint8Array>,
    expected: Checksums,
    force?: Checksums,
  ): Promise<{ md5: Uint8Array | undefined; crc64: Uint8Array | undefined }>
}

/** Azurite's own CRC goes byte by byte, and took more time than all the rest of storing a block. */
async function computeFast(): Promise<void> {
  const { crc64 } = await hashing
  const own = require('azurite/dist/src/common/utils/utils.js') as ChecksumModule
  own.computeTransactionalChecksums = async (stream, expected, force) => {
    const md5 = expected.md5 !== undefined || force?.md5 ? createHash('md5') : undefined
    const crc = expected.crc64 !== undefined || force?.crc64 ? crc64() : undefined
    for await (const piece of stream) {
      md5?.update(piece)
      crc?.update(piece)
    }
    return {
      md5: md5 && new Uint8Array(md5.digest()),
      crc64: crc && new Uint8Array(Buffer.from(crc.hex(), 'hex').reverse()),
    }
  }
}

function service(kind: 'blob' | 'queue', folder: string, port: number): AzuriteService {
  const name = kind === 'blob' ? 'Blob' : 'Queue'
  const metadataPath = join(folder, `${kind}.json`)
  const extentsPath = join(folder, `${kind}-extents.json`)
  const paths = [{ locationId: 'Default', locationPath: join(folder, `${kind}-extents`), maxConcurrency: 50 }]
  const configuration = new (load<object>(`${kind}/${name}Configuration.js`))(
    '127.0.0.1',
    port,
    keepAliveSeconds,
    metadataPath,
    extentsPath,
    paths,
    false, // access log
    undefined,
    false, // debug log
    undefined,
    false, // loose
    true, // API versions newer than Azurite's are taken
  )
  const made = new (load<AzuriteService>(`${kind}/${name}Server.js`))(configuration)
  journalled(made.metadataStore, metadataPath)
  journalled(made.extentMetadataStore, extentsPath)
  return made
}

function journalled(store: AzuriteStore, path: string): void {
  const journal = new LokiJournal(path)
  const init = store.init.bind(store)
  store.init = async () => {
    journal.recover()
    await init()
    journal.attach(store.db)
  }
}

/** Azurite's Blob and Queue services in this process, without telemetry, on 127.0.0.1. Loses nothing when killed. */
export async function startAzurite(options: AzuriteOptions): Promise<{ stop: () => Promise<void> }> {
  const { folder } = options
  mkdirSync(folder, { recursive: true })
  leaveOutTelemetry()
  await computeFast()
  const services = [service('blob', folder, options.blobPort), service('queue', folder, options.queuePort)]
  await Promise.all(services.map((one) => one.start()))
  // Everything acknowledged is on disk already: stopping only lets go of the ports, and of the clock that saves.
  return {
    stop: async () => {
      for (const { httpServer, metadataStore, extentMetadataStore } of services) {
        metadataStore.db.autosaveDisable()
        extentMetadataStore.db.autosaveDisable()
        httpServer.close()
        httpServer.closeAllConnections()
      }
    },
  }
}
