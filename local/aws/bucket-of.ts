import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3'
import type { Clouds } from '../supervisor/clouds.ts'

/** The local site's bucket for uploads or for objects, whatever the template calls it. */
export async function bucketOf(
  { region, credentials, s3: endpoint }: Clouds['connections']['aws'],
  area: 'uploads' | 'objects',
): Promise<{ s3: S3Client; bucket: string }> {
  const s3 = new S3Client({ region, credentials, endpoint, forcePathStyle: true })
  const { Buckets = [] } = await s3.send(new ListBucketsCommand({}))
  const bucket = Buckets.map(({ Name = '' }) => Name).find((name) => name.includes(`-${area}`))
  if (!bucket) throw new Error(`There is no bucket for ${area} among ${Buckets.map(({ Name }) => Name).join(', ')}`)
  return { s3, bucket }
}
