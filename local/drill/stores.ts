import { DeleteItemCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DeleteObjectCommand, GetObjectCommand, ListObjectVersionsCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { CosmosClient } from '@azure/cosmos'
import { BlobServiceClient } from '@azure/storage-blob'
import { recordIndex } from '../../shared/domain/record-index.ts'
import type { RecordKey } from '../../shared/domain/record.ts'
import { sortableId } from '../../shared/domain/sortable-id.ts'
import type { Site } from '../../shared/domain/site.ts'
import { bucketOf } from '../aws/bucket-of.ts'
import { tableOf } from '../aws/table-of.ts'
import { localPolicy, parseConnection } from '../azure/provision.ts'
import type { Clouds } from '../supervisor/clouds.ts'

/** A site's stores in the hands of a person who goes past the API. */
export interface Hands {
  /** Removes a record's row for good, whatever stands in it. */
  erase(key: RecordKey): Promise<void>
  remove(objectKey: string): Promise<void>
  overwrite(objectKey: string, bytes: Uint8Array): Promise<void>
  /** Undefined when there is none. */
  read(objectKey: string): Promise<Uint8Array | undefined>
  /** The bytes of an object's earlier versions; undefined where the local store keeps none. */
  earlier(objectKey: string): Promise<Uint8Array[] | undefined>
}

export const handsIn = (clouds: Clouds, site: Site): Promise<Hands> =>
  site === 'aws' ? inAws(clouds) : inAzure(clouds)

/** Where the record's row lies, whenever it came. */
const partitionOf = (key: RecordKey): string => recordIndex(key, 0).partition

async function inAws({ connections }: Clouds): Promise<Hands> {
  const { region, credentials, dynamodb: endpoint } = connections.aws
  const dynamodb = new DynamoDBClient({ region, credentials, endpoint })
  const TableName = await tableOf(dynamodb, 'records')
  const { s3, bucket: Bucket } = await bucketOf(connections.aws, 'objects')
  const get = async (Key: string, VersionId?: string): Promise<Uint8Array | undefined> => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, ...(VersionId ? { VersionId } : {}) }))
    return Body?.transformToByteArray()
  }
  return {
    erase: async (key) => {
      const Key = { pk: { S: partitionOf(key) }, sk: { S: key.id } }
      await dynamodb.send(new DeleteItemCommand({ TableName, Key }))
    },
    remove: async (Key) => void (await s3.send(new DeleteObjectCommand({ Bucket, Key }))),
    overwrite: async (Key, Body) => void (await s3.send(new PutObjectCommand({ Bucket, Key, Body }))),
    read: (key) =>
      get(key).catch((error: unknown) => {
        if ((error as Error).name === 'NoSuchKey') return undefined
        throw error
      }),
    earlier: async (key) => {
      const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket, Prefix: key }))
      const kept = Versions.filter(({ IsLatest }) => !IsLatest)
      const bytes = await Promise.all(kept.map(({ VersionId }) => get(key, VersionId)))
      return bytes.filter((each) => each !== undefined)
    },
  }
}

async function inAzure({ connections }: Clouds): Promise<Hands> {
  const { cosmos, cosmosDatabase, storage } = connections.azure
  const { endpoint, key: accountKey } = parseConnection(cosmos)
  const client = new CosmosClient({ endpoint, key: accountKey, connectionPolicy: localPolicy })
  const records = client.database(cosmosDatabase).container('records')
  const objects = BlobServiceClient.fromConnectionString(storage).getContainerClient('objects')
  return {
    erase: async (key) => void (await records.item(sortableId(key.id), partitionOf(key)).delete()),
    remove: async (key) => void (await objects.getBlockBlobClient(key).delete()),
    overwrite: async (key, bytes) => void (await objects.getBlockBlobClient(key).uploadData(bytes)),
    read: async (key) => {
      const blob = objects.getBlockBlobClient(key)
      return (await blob.exists()) ? blob.downloadToBuffer() : undefined
    },
    // Azurite knows no versions.
    earlier: async () => undefined,
  }
}
