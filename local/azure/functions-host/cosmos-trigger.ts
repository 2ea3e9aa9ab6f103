import { setTimeout as sleep } from 'node:timers/promises'
import { ChangeFeedStartFrom, type Container, CosmosClient } from '@azure/cosmos'
import { localPolicy, parseConnection } from '../provision.ts'
import { Lease } from './cosmos-lease.ts'
import type { Invoker } from './invoke.ts'
import { log } from './log.ts'
import type { RegisteredFunction } from './registry.ts'
import { connectionOf, type Environment, resolveExpression } from './settings.ts'

const feedPollMsDefault = 5_000
const leaseRenewMsDefault = 17_000
const leaseExpirationMsDefault = 60_000
const leaseAcquireMsDefault = 13_000
const itemsMaxDefault = 100
const faultMs = 500

interface Binding {
  readonly connection?: string
  readonly databaseName?: string
  readonly containerName?: string
  readonly leaseDatabaseName?: string
  readonly leaseContainerName?: string
  readonly leaseContainerPrefix?: string
  readonly createLeaseContainerIfNotExists?: boolean
  readonly maxItemsPerInvocation?: number
  readonly feedPollDelay?: number
  readonly startFromBeginning?: boolean
  readonly leaseRenewInterval?: number
  readonly leaseExpirationInterval?: number
  readonly leaseAcquireInterval?: number
}

interface Feed {
  next(): Promise<{ documents: unknown[]; continuation: string }>
}

/**
 * Follows one container's change feed under a lease. A batch is checkpointed after its function succeeded, or after its
 * retry policy gave up: without a policy a batch whose function threw is passed over, as the service's trigger does.
 */
export class CosmosTrigger {
  readonly #registered: RegisteredFunction
  readonly #invoker: Invoker
  readonly #binding: Binding
  readonly #client: CosmosClient
  readonly #monitored: Container
  readonly #leases: Container
  readonly #lease: Lease

  constructor(registered: RegisteredFunction, invoker: Invoker, environment: Environment, owner: string) {
    this.#registered = registered
    this.#invoker = invoker
    this.#binding = (registered.metadata.bindings[registered.trigger] ?? {}) as unknown as Binding
    const name = (text: string | undefined, otherwise: string): string =>
      resolveExpression(text ?? otherwise, environment)
    const { endpoint, key } = parseConnection(connectionOf(this.#binding.connection, 'CosmosDB', environment))
    this.#client = new CosmosClient({ endpoint, key, connectionPolicy: localPolicy })
    const database = name(this.#binding.databaseName, '')
    const container = name(this.#binding.containerName, '')
    this.#monitored = this.#client.database(database).container(container)
    this.#leases = this.#client
      .database(name(this.#binding.leaseDatabaseName, database))
      .container(name(this.#binding.leaseContainerName, 'leases'))
    this.#lease = new Lease(this.#leases, {
      id: `${name(this.#binding.leaseContainerPrefix, '')}${new URL(endpoint).hostname}_${database}_${container}..0`,
      owner,
      expirationMs: this.#binding.leaseExpirationInterval ?? leaseExpirationMsDefault,
    })
  }

  async run(): Promise<void> {
    const { signal } = this.#invoker.stop
    while (!signal.aborted) {
      try {
        await this.#follow()
      } catch (error) {
        log('warn', `change feed of ${this.#monitored.id}: ${String(error)}`, {
          function: this.#registered.metadata.name,
        })
        await this.#sleep(faultMs)
      }
    }
    await this.#lease.release().catch(() => undefined)
    this.#client.dispose()
  }

  async #sleep(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#invoker.stop.signal }).catch(() => undefined)
  }

  /** Holds the lease and reads until it is lost or something fails. */
  async #follow(): Promise<void> {
    if (this.#binding.createLeaseContainerIfNotExists === true) {
      await this.#leases.database.containers.createIfNotExists({ id: this.#leases.id, partitionKey: '/id' })
    }
    if (!(await this.#lease.acquire())) {
      await this.#sleep(this.#binding.leaseAcquireInterval ?? leaseAcquireMsDefault)
      return
    }
    // Lease writes go one after the other, so that a renewal never spoils a checkpoint's condition.
    let writes: Promise<boolean> = Promise.resolve(true)
    const write = (work: () => Promise<boolean>): Promise<boolean> => {
      writes = writes.catch(() => true).then(work)
      return writes
    }
    const renewal = setInterval(() => {
      write(() => this.#lease.renew()).catch(() => undefined)
    }, this.#binding.leaseRenewInterval ?? leaseRenewMsDefault)
    try {
      const feed = await this.#open()
      while (this.#lease.held && !this.#invoker.stop.signal.aborted) {
        const { documents, continuation } = await feed.next()
        if (documents.length > 0) await this.#invoke(documents)
        if (this.#invoker.stop.signal.aborted) return
        if (continuation !== this.#lease.continuation && !(await write(() => this.#lease.checkpoint(continuation))))
          return
        if (documents.length === 0) await this.#sleep(this.#binding.feedPollDelay ?? feedPollMsDefault)
      }
    } finally {
      clearInterval(renewal)
      await writes.catch(() => true)
    }
  }

  async #invoke(documents: unknown[]): Promise<void> {
    const done = await this.#invoker.invokeWithRetry(this.#registered, { data: { json: JSON.stringify(documents) } })
    if (!done && !this.#invoker.stop.signal.aborted) {
      log('warn', `The change feed moves past ${documents.length} documents whose function failed.`, {
        function: this.#registered.metadata.name,
      })
    }
  }

  async #open(): Promise<Feed> {
    const { resource } = await this.#monitored.read()
    const rid = String((resource as { _rid?: string } | undefined)?._rid)
    const range = { minInclusive: '', maxExclusive: 'FF' }
    const { continuation } = this.#lease
    const token = { rid, Continuation: [{ ...range, continuationToken: continuation }] }
    const otherwise =
      this.#binding.startFromBeginning === true ? ChangeFeedStartFrom.Beginning() : ChangeFeedStartFrom.Now()
    const iterator = this.#monitored.items.getChangeFeedIterator<object>({
      changeFeedStartFrom:
        continuation === undefined ? otherwise : ChangeFeedStartFrom.Continuation(JSON.stringify(token)),
      maxItemCount: this.#binding.maxItemsPerInvocation ?? itemsMaxDefault,
    })
    return {
      next: async () => {
        const page = await iterator.readNext()
        const next = JSON.parse(page.continuationToken) as { Continuation: { continuationToken: string }[] }
        const documents = page.statusCode === 304 ? [] : page.result
        return { documents, continuation: next.Continuation[0]?.continuationToken ?? '' }
      },
    }
  }
}
