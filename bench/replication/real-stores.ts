import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { CosmosClient } from '@azure/cosmos'
import { dynamoRecordStore } from '../../aws/adapters/record-store.ts'
import { dynamoSiteStore } from '../../aws/adapters/site-store.ts'
import { cosmosRecordStore } from '../../azure/adapters/record-store.ts'
import { cosmosSiteStore } from '../../azure/adapters/site-store.ts'
import { localCredentials, localRegion } from '../../local/aws/ports.ts'
import { localPolicy, parseConnection } from '../../local/azure/provision.ts'
import type { RecordStore } from '../../shared/ports/record-store.ts'
import type { SiteStore } from '../../shared/ports/site-store.ts'

/** The deployed adapters over a local server: DynamoDB Local by its URL, the Cosmos DB server by its connection string. */
export function realStores(
  store: 'dynamodb' | 'cosmos',
  at: string,
): { readonly records: RecordStore; readonly siteStore: SiteStore } {
  if (store === 'dynamodb') {
    const client = new DynamoDBClient({ endpoint: at, region: localRegion, credentials: localCredentials })
    return {
      records: dynamoRecordStore({ client, table: 'records' }),
      siteStore: dynamoSiteStore({ client, table: 'site' }),
    }
  }
  const client = new CosmosClient({ ...parseConnection(at), connectionPolicy: localPolicy })
  const database = client.database('catamaran')
  return {
    records: cosmosRecordStore({ container: database.container('records') }),
    siteStore: cosmosSiteStore({ container: database.container('site') }),
  }
}
