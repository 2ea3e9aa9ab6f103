import { CosmosClient } from '@azure/cosmos'
import { BlobServiceClient } from '@azure/storage-blob'
import { QueueServiceClient } from '@azure/storage-queue'
import { stores } from './stores.ts'

export interface Connections {
  /** Connection strings. */
  readonly cosmos: string
  readonly storage: string
}

/** Creates everything that `azure/infra/stores.json` declares and that is not there yet. Safe to run again. */
export async function provision({ cosmos, storage }: Connections): Promise<void> {
  await Promise.all([provisionCosmos(cosmos), provisionStorage(storage)])
}

export async function provisionCosmos(connectionString: string): Promise<void> {
  const client = new CosmosClient({ ...parseConnection(connectionString), connectionPolicy: localPolicy })
  try {
    const { database } = await client.databases.createIfNotExists({ id: stores.cosmos.database })
    for (const container of stores.cosmos.containers) await database.containers.createIfNotExists({ ...container })
  } finally {
    client.dispose()
  }
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
