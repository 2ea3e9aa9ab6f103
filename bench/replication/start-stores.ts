import { join } from 'node:path'
import { azurePorts, cosmosConnectionString, storageConnectionString } from '../../local/azure/endpoints.ts'
import { provision } from '../../local/azure/provision.ts'
import { startDynamoDb } from '../../test/contract/dynamodb.ts'
import { startServer, stopServer } from '../objects/servers.ts'

export interface LocalStores {
  /** DynamoDB Local's URL. */
  readonly dynamodb: string
  /** The Cosmos DB server's connection string. */
  readonly cosmos: string
  stop(): Promise<void>
}

/** DynamoDB Local and the Cosmos DB server, empty but for their tables and containers. */
export async function startStores(data: string, portBase: number): Promise<LocalStores> {
  const children = [
    await startServer('local/azure/azurite.ts', join(data, 'azure'), portBase),
    await startServer('local/azure/services.ts', join(data, 'azure'), portBase),
  ]
  const ports = azurePorts(portBase)
  const cosmos = cosmosConnectionString(ports.cosmos)
  await provision({ cosmos, storage: storageConnectionString(ports.blob, ports.queue) })
  const database = await startDynamoDb()
  const stop = async (): Promise<void> => {
    await database.close()
    await Promise.all(children.map(stopServer))
  }
  return { dynamodb: database.url, cosmos, stop }
}
