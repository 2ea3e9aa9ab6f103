import { DeleteObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { BlobServiceClient, ContainerSASPermissions } from '@azure/storage-blob'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { bucketOf } from '../../local/aws/bucket-of.ts'
import type { Clouds } from '../../local/supervisor/clouds.ts'
import type { Site } from '../../shared/domain/site.ts'

const run = promisify(execFile)

/** A way to put files into a site's store without the API, as its users do. */
export interface Dropper {
  put(key: string, content: Uint8Array, mediaType: string): Promise<void>
  remove(key: string): Promise<void>
}

export const uploadsBucket = ({ connections }: Clouds): Promise<{ s3: S3Client; bucket: string }> =>
  bucketOf(connections.aws, 'uploads')

async function s3Dropper(clouds: Clouds): Promise<Dropper> {
  const { s3, bucket: Bucket } = await uploadsBucket(clouds)
  return {
    put: async (Key, Body, ContentType) =>
      void (await s3.send(new PutObjectCommand({ Bucket, Key, Body, ContentType }))),
    remove: async (Key) => void (await s3.send(new DeleteObjectCommand({ Bucket, Key }))),
  }
}

function blobDropper(clouds: Clouds): Dropper {
  const container = BlobServiceClient.fromConnectionString(clouds.connections.azure.storage).getContainerClient(
    'uploads',
  )
  return {
    put: async (key, content, blobContentType) => {
      await container.getBlockBlobClient(key).uploadData(content, { blobHTTPHeaders: { blobContentType } })
    },
    remove: async (key) => void (await container.getBlockBlobClient(key).delete()),
  }
}

export const dropperOf = async (clouds: Clouds, site: Site): Promise<Dropper> =>
  site === 'aws' ? s3Dropper(clouds) : blobDropper(clouds)

/** A tool of the trade that drops files, when this machine has it. */
export interface DropTool {
  readonly name: string
  readonly site: Site
  /** Undefined when it can be used, else why not. */
  missing(): Promise<string | undefined>
  copy(clouds: Clouds, file: string, key: string): Promise<void>
}

const missing = (command: string, argument: string) => async (): Promise<string | undefined> => {
  try {
    await run(command, [argument])
    return undefined
  } catch {
    return `${command} is not installed`
  }
}

const toolTimeoutMs = 60_000

export const dropTools: readonly DropTool[] = [
  {
    name: 'AWS CLI',
    site: 'aws',
    missing: missing('aws', '--version'),
    copy: async (clouds, file, key) => {
      const { region, credentials, s3 } = clouds.connections.aws
      const { bucket } = await uploadsBucket(clouds)
      const env = {
        PATH: process.env.PATH,
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
        AWS_REGION: region,
        AWS_CONFIG_FILE: '/dev/null',
      }
      const args = ['s3', 'cp', '--only-show-errors', '--endpoint-url', s3, file, `s3://${bucket}/${key}`]
      await run('aws', args, { env, timeout: toolTimeoutMs })
    },
  },
  {
    name: 'rclone',
    site: 'aws',
    missing: missing('rclone', 'version'),
    copy: async (clouds, file, key) => {
      const { region, credentials, s3 } = clouds.connections.aws
      const { bucket } = await uploadsBucket(clouds)
      await rclone(file, `there:${bucket}/${key}`, {
        TYPE: 's3',
        PROVIDER: 'Minio',
        ACCESS_KEY_ID: credentials.accessKeyId,
        SECRET_ACCESS_KEY: credentials.secretAccessKey,
        REGION: region,
        ENDPOINT: s3,
        FORCE_PATH_STYLE: 'true',
        NO_CHECK_BUCKET: 'true',
      })
    },
  },
  {
    name: 'rclone',
    site: 'azure',
    missing: missing('rclone', 'version'),
    copy: async (clouds, file, key) => {
      const service = BlobServiceClient.fromConnectionString(clouds.connections.azure.storage)
      const permissions = ContainerSASPermissions.parse('racwdl')
      const expiresOn = new Date(Date.now() + 3_600_000)
      const sas = await service.getContainerClient('uploads').generateSasUrl({ permissions, expiresOn })
      await rclone(file, `there:uploads/${key}`, { TYPE: 'azureblob', SAS_URL: sas })
    },
  },
]

/** rclone takes a remote named `there` from the environment. */
async function rclone(from: string, to: string, settings: Readonly<Record<string, string>>): Promise<void> {
  const remote = Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [`RCLONE_CONFIG_THERE_${name}`, value]),
  )
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, RCLONE_CONFIG: '/dev/null', ...remote }
  await run('rclone', ['copyto', from, to, '--retries', '1'], { env, timeout: toolTimeoutMs })
}
