import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Container, CosmosClient, type ItemDefinition } from '@azure/cosmos'
import { type CosmosServer, startCosmosServer } from '../../../local/azure/cosmos/server.ts'
import { localCosmosKey } from '../../../local/azure/endpoints.ts'

export interface Account {
  readonly server: CosmosServer
  readonly client: CosmosClient
  /** Partitioned by /pk, with a composite index over bucketKey and stamp, and item TTLs. */
  readonly items: Container
  close(): Promise<void>
}

export const clientFor = (port: number, key = localCosmosKey): CosmosClient =>
  new CosmosClient({
    endpoint: `http://127.0.0.1:${port}/`,
    key,
    connectionPolicy: { enableEndpointDiscovery: false, enableBackgroundEndpointRefreshing: false },
  })

/** `done`, or the code of the error that the work ended with. */
export const codeOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: { code?: unknown }) => error.code,
  )

export const ids = (found: ItemDefinition[]): string[] => found.map(({ id }) => String(id))

/** A server in this process on a free port, with the database `test`. */
export async function openAccount(): Promise<Account> {
  const folder = await mkdtemp(join(tmpdir(), 'cosmos-'))
  const server = await startCosmosServer({ folder, port: 0, key: localCosmosKey })
  const client = clientFor(server.port)
  const { database } = await client.databases.createIfNotExists({ id: 'test' })
  const { container } = await database.containers.createIfNotExists({
    id: 'items',
    partitionKey: { paths: ['/pk'] },
    defaultTtl: -1,
    indexingPolicy: {
      includedPaths: [{ path: '/*' }],
      compositeIndexes: [
        [
          { path: '/bucketKey', order: 'ascending' },
          { path: '/stamp', order: 'ascending' },
        ],
      ],
    },
  })
  return {
    server,
    client,
    items: container,
    close: async () => {
      client.dispose()
      await server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
