import { S3Client } from '@aws-sdk/client-s3'
import { BlobServiceClient } from '@azure/storage-blob'
import { s3ClientSettings } from '../../aws/adapters/object-bucket.ts'
import { s3ObjectStore } from '../../aws/adapters/object-store.ts'
import { blobObjectStore } from '../../azure/adapters/object-store.ts'
import { localCredentials, localRegion } from '../../local/aws/ports.ts'
import { storageConnectionString } from '../../local/azure/endpoints.ts'
import type { Site } from '../../shared/domain/site.ts'
import type { ObjectStore } from '../../shared/ports/object-store.ts'

/** Where the two local servers listen. */
export interface Endpoints {
  readonly s3Port: number
  readonly blobPort: number
}

export const uploadsBucket = 'uploads'
export const objectsBucket = 'objects'

export const s3ClientOf = ({ s3Port }: Pick<Endpoints, 's3Port'>): S3Client =>
  new S3Client({
    ...s3ClientSettings,
    region: localRegion,
    credentials: localCredentials,
    endpoint: `http://127.0.0.1:${s3Port}`,
    forcePathStyle: true,
  })

export const blobClientOf = ({ blobPort }: Pick<Endpoints, 'blobPort'>): BlobServiceClient =>
  BlobServiceClient.fromConnectionString(storageConnectionString(blobPort, blobPort))

/** The adapters that deploy, over the local servers. */
export const storesOf = (endpoints: Endpoints): Readonly<Record<Site, ObjectStore>> => ({
  aws: s3ObjectStore({ client: s3ClientOf(endpoints), uploadsBucket, objectsBucket }),
  azure: blobObjectStore({ client: blobClientOf(endpoints), copyFromUrl: false }),
})
