import { ListMultipartUploadsCommand, ListPartsCommand, UploadPartCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { BlobSASPermissions, BlobServiceClient, BlockBlobClient } from '@azure/storage-blob'
import type { Clouds } from '../../local/supervisor/clouds.ts'
import type { Site } from '../../shared/domain/site.ts'
import { uploadsBucket } from './droppers.ts'

/** What a site's store holds, below a prefix, of uploads in parts that nobody completed; in bytes. */
export async function unfinishedBytes(clouds: Clouds, site: Site, prefix: string): Promise<number> {
  const sizes = site === 'aws' ? await partsAtS3(clouds, prefix) : await blocksAtAzure(clouds, prefix)
  return sizes.reduce((sum, size) => sum + size, 0)
}

async function partsAtS3(clouds: Clouds, Prefix: string): Promise<number[]> {
  const { s3, bucket: Bucket } = await uploadsBucket(clouds)
  const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket, Prefix }))
  const lists = Uploads.map(({ Key, UploadId }) => s3.send(new ListPartsCommand({ Bucket, Key, UploadId })))
  return (await Promise.all(lists)).flatMap(({ Parts = [] }) => Parts.map(({ Size = 0 }) => Size))
}

async function blocksAtAzure(clouds: Clouds, prefix: string): Promise<number[]> {
  const container = uploadsContainer(clouds)
  const sizes: number[] = []
  for await (const { name } of container.listBlobsFlat({ prefix, includeUncommitedBlobs: true })) {
    const { uncommittedBlocks = [] } = await container.getBlockBlobClient(name).getBlockList('uncommitted')
    sizes.push(...uncommittedBlocks.map(({ size }) => Number(size)))
  }
  return sizes
}

const uploadsContainer = (clouds: Clouds) =>
  BlobServiceClient.fromConnectionString(clouds.connections.azure.storage).getContainerClient('uploads')

/** A signed request for a part as the site gives it, signed by the store's own SDK to be good until another time. */
export const goodUntil = (clouds: Clouds, site: Site, url: string, until: Date): Promise<string> =>
  site === 'aws' ? goodAtS3Until(clouds, new URL(url), until) : goodAtAzureUntil(clouds, new URL(url), until)

const signedForMs = 60_000

async function goodAtS3Until(clouds: Clouds, { pathname, searchParams }: URL, until: Date): Promise<string> {
  const { s3 } = await uploadsBucket(clouds)
  const [, Bucket, ...path] = pathname.split('/')
  const place = { Bucket, Key: decodeURIComponent(path.join('/')), UploadId: searchParams.get('uploadId') ?? '' }
  // A checksum of no bytes would be signed as well.
  s3.config.requestChecksumCalculation = async () => 'WHEN_REQUIRED'
  return getSignedUrl(s3, new UploadPartCommand({ ...place, PartNumber: Number(searchParams.get('partNumber')) }), {
    signingDate: new Date(until.getTime() - signedForMs),
    expiresIn: signedForMs / 1000,
  })
}

async function goodAtAzureUntil(clouds: Clouds, url: URL, expiresOn: Date): Promise<string> {
  const { name } = new BlockBlobClient(`${url.origin}${url.pathname}`)
  const blob = uploadsContainer(clouds).getBlockBlobClient(name)
  const signed = new URL(await blob.generateSasUrl({ permissions: BlobSASPermissions.parse('w'), expiresOn }))
  for (const part of ['comp', 'blockid']) signed.searchParams.set(part, url.searchParams.get(part) ?? '')
  return signed.href
}
