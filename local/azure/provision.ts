import { type ContainerDefinition, CosmosClient, type Database } from '@azure/cosmos'
import { BlobServiceClient } from '@azure/storage-blob'
import { QueueServiceClient } from '@azure/storage-queue'
import { StartError } from '../aws/process.ts'
import { sameIndexing, samePartitionKey } from './container-difference.ts'
import { stores } from './stores.ts'

export interface Connections {
  /** Connection strings. */
  readonly cosmos: string
  readonly storage: string
}

const someFolder = 'the data folder'

/**
 * Creates everything that `azure/infra/stores.json` declares and that is not there yet, and brings indexing up to date.
 * Safe to run again. Throws StartError when `data`, the folder of the stores, holds a container that cannot be.
 */
export async function provision({ cosmos, storage }: Connections, data = someFolder): Promise<void> {
  await Promise.all([provisionCosmos(cosmos, data), provisionStorage(storage)])
}

export async function provisionCosmos(connectionString: string, data = someFolder): Promise<void> {
  const client = new CosmosClient({ ...parseConnection(connectionString), connectionPolicy: localPolicy })
  try {
    const { database } = await client.databases.createIfNotExists({ id: stores.cosmos.database })
    for (const container of stores.cosmos.containers) await provisionContainer(database, container, data)
  } finally {
    client.dispose()
  }
}

async function provisionContainer(database: Database, wanted: ContainerDefinition, data: string): Promise<void> {
  const { container, resource } = await database.containers.createIfNotExists({ ...wanted })
  const tooOld = (what: string): StartError =>
    new StartError(
      `The container ${wanted.id} in ${data} was made by an older version (${what} differs). Start with --fresh, or choose another folder with --data.`,
    )
  if (resource === undefined) return
  if (!samePartitionKey(resource, wanted)) throw tooOld('partition key')
  if (sameIndexing(resource, wanted)) return
  const { id, partitionKey, indexingPolicy, defaultTtl } = { ...resource, ...wanted }
  await container.replace({ id, partitionKey, indexingPolicy, defaultTtl } as ContainerDefinition).catch((error) => {
    throw isRefusal(error) ? tooOld('indexing policy') : error
  })
}

/** 4xx other than "later". */
function isRefusal({ code }: { readonly code?: unknown }): boolean {
  return typeof code === 'number' && code >= 400 && code < 500 && code !== 408 && code !== 429
}

export const localPolicy = { enableEndpointDiscovery: false, enableBackgroundEndpointRefreshing: false } as const

export function parseConnection(connectionString: string): { endpoint: string; key: string } {
  const parts = new Map(
    connectionString
      .split(';')
      .filter((part) => part.includes('='))
      .map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]),
  )
  return { endpoint: parts.get('AccountEndpoint') ?? '', key: parts.get('AccountKey') ?? '' }
}

export async function provisionStorage(connectionString: string): Promise<void> {
  const blobs = BlobServiceClient.fromConnectionString(connectionString)
  const queues = QueueServiceClient.fromConnectionString(connectionString)
  await Promise.all([
    ...stores.blobContainers.map((name) => blobs.getContainerClient(name).createIfNotExists()),
    ...stores.queues.map((name) => queues.getQueueClient(name).createIfNotExists()),
  ])
  // Browsers upload straight to the store with signed URLs.
  const cors = {
    allowedOrigins: '*',
    allowedMethods: 'GET,HEAD,PUT,OPTIONS',
    allowedHeaders: '*',
    exposedHeaders: '*',
    maxAgeInSeconds: 600,
  }
  await blobs.setProperties({ cors: [cors] })
}
