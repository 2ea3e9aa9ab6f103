import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ContainerDefinition, type CosmosClient, PartitionKeyKind } from '@azure/cosmos'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { type CosmosServer, startCosmosServer } from '../../../local/azure/cosmos/server.ts'
import { cosmosConnectionString, localCosmosKey } from '../../../local/azure/endpoints.ts'
import { provisionCosmos } from '../../../local/azure/provision.ts'
import { stores } from '../../../local/azure/stores.ts'
import { clientFor } from './cosmos-account.ts'

let folder: string
let server: CosmosServer
let client: CosmosClient

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'provision-'))
  server = await startCosmosServer({ folder, port: 0, key: localCosmosKey })
  client = clientFor(server.port)
})

afterEach(async () => {
  client.dispose()
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

const provision = (): Promise<void> => provisionCosmos(cosmosConnectionString(server.port), '/some/data')
const database = () => client.database(stores.cosmos.database)
const wanted = stores.cosmos.containers[0] as ContainerDefinition
const records = () => database().container(String(wanted.id))
const definition = async (): Promise<ContainerDefinition | undefined> => (await records().read()).resource

async function makeAsBefore(older: ContainerDefinition): Promise<void> {
  await client.databases.createIfNotExists({ id: stores.cosmos.database })
  await database().containers.create({ ...older })
  await records().items.create({ id: 'kept', pk: 'p', bucketPage: 'b', bucketKey: 'k' })
}

test('an older indexing policy is replaced, and what is stored stays', async () => {
  await makeAsBefore({ ...wanted, indexingPolicy: { ...wanted.indexingPolicy, compositeIndexes: [] } })
  await provision()
  expect((await definition())?.indexingPolicy).toEqual(wanted.indexingPolicy)
  const query = 'SELECT c.id FROM c WHERE c.bucketPage = "b" ORDER BY c.bucketPage, c.bucketKey'
  expect((await records().items.query(query).fetchAll()).resources).toEqual([{ id: 'kept' }])
})

test('a container that agrees is left alone, in whatever order its paths are listed', async () => {
  const { indexingPolicy } = wanted
  const includedPaths = (indexingPolicy?.includedPaths ?? []).toReversed()
  const excludedPaths = [...(indexingPolicy?.excludedPaths ?? []), { path: '/"_etag"/?' }]
  const same = { ...wanted, indexingPolicy: { ...indexingPolicy, includedPaths, excludedPaths } }
  await makeAsBefore(same)
  await provision()
  await provision()
  expect((await definition())?.indexingPolicy).toEqual(same.indexingPolicy)
})

test('another partition key stops the start in one line with the cure', async () => {
  await makeAsBefore({ ...wanted, partitionKey: { paths: ['/tenant'], kind: PartitionKeyKind.Hash } })
  await expect(provision()).rejects.toMatchObject({
    name: 'StartError',
    message:
      'The container records in /some/data was made by an older version (partition key differs). Start with --fresh, or choose another folder with --data.',
  })
})
