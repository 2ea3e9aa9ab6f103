import { readFileSync } from 'node:fs'
import type { ContainerDefinition } from '@azure/cosmos'

export interface EventSubscription {
  readonly name: string
  readonly container: string
  readonly prefix: string
  readonly eventTypes: readonly string[]
  readonly queue: string
}

/** What `azure/infra/stores.json` declares: the one list of databases, containers, queues and subscriptions. */
export interface Stores {
  readonly cosmos: { readonly database: string; readonly containers: readonly ContainerDefinition[] }
  readonly blobContainers: readonly string[]
  readonly queues: readonly string[]
  readonly eventSubscriptions: readonly EventSubscription[]
  /** Of the Functions app, beside those that name its stores: bytes that pass through are let go sooner. */
  readonly settings: Readonly<Record<string, string>>
}

export const stores = JSON.parse(
  readFileSync(new URL('../../azure/infra/stores.json', import.meta.url), 'utf8'),
) as Stores
