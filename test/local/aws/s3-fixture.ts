import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { localCredentials } from '../../../local/aws/ports.ts'
import { startS3Server } from '../../../local/aws/s3/server.ts'

export interface S3Fixture {
  readonly folder: string
  readonly client: S3Client
  readonly endpoint: string
  readonly events: { queueArn: string; body: string }[]
  /** Delivery fails while true. */
  queueDown: boolean
  clockMs: number
  connect(config?: S3ClientConfig): S3Client
  /** Stops the server and starts it again on the same folder. */
  restart(): Promise<void>
  close(): Promise<void>
}

/** A fresh S3 server on a free port with a client of the official SDK in its default settings. */
export async function s3Fixture(limits: { readonly partBytesMin?: number } = {}): Promise<S3Fixture> {
  const folder = await mkdtemp(join(tmpdir(), 's3-'))
  const secrets = { [localCredentials.accessKeyId]: localCredentials.secretAccessKey }
  const fixture = { folder, events: [] as S3Fixture['events'], queueDown: false, clockMs: 0 }
  const sendEvent = async (queueArn: string, body: string): Promise<void> => {
    if (fixture.queueDown) throw new Error('the queue is away')
    fixture.events.push({ queueArn, body })
  }
  const start = (port: number) =>
    startS3Server({
      data: folder,
      port,
      region: 'us-east-1',
      secrets,
      sendEvent,
      ...limits,
      now: () => Date.now() + fixture.clockMs,
    })
  let server = await start(0)
  const endpoint = `http://127.0.0.1:${server.port}`
  const connect = (config: S3ClientConfig = {}): S3Client =>
    new S3Client({ endpoint, region: 'us-east-1', credentials: localCredentials, forcePathStyle: true, ...config })
  const client = connect()
  return Object.assign(fixture, {
    client,
    endpoint,
    connect,
    restart: async () => {
      await server.close()
      server = await start(server.port)
    },
    close: async () => {
      client.destroy()
      await server.close()
      await rm(folder, { recursive: true })
    },
  })
}
