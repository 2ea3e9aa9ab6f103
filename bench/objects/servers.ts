import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { awsPorts } from '../../local/aws/ports.ts'
import { azurePorts } from '../../local/azure/endpoints.ts'
import { blobClientOf, type Endpoints, objectsBucket, s3ClientOf, uploadsBucket } from './stores.ts'

export interface Servers extends Endpoints {
  stop(): Promise<void>
}

/** The local S3 server and Azurite, each a process of its own, empty but for their buckets and containers. */
export async function startServers(data: string, portBase: number): Promise<Servers> {
  const children = [
    await startServer('local/aws/services.ts', join(data, 'aws'), portBase),
    await startServer('local/azure/azurite.ts', join(data, 'azure'), portBase),
  ]
  const endpoints = { s3Port: awsPorts(portBase).s3, blobPort: azurePorts(portBase).blobInternal }
  const s3 = s3ClientOf(endpoints)
  const blobs = blobClientOf(endpoints)
  for (const name of [uploadsBucket, objectsBucket]) {
    await s3.send(new CreateBucketCommand({ Bucket: name }))
    await blobs.createContainer(name)
  }
  return { ...endpoints, stop: async () => void (await Promise.all(children.map(stopServer))) }
}

export async function startServer(script: string, data: string, portBase: number): Promise<ChildProcess> {
  const args = [script, '--data', data, '--port-base', String(portBase)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  const { stdout } = child
  const isReady = (async () => {
    for await (const text of stdout ?? []) if (String(text).includes('"ready":true')) return true
    return false
  })()
  if (!(await isReady)) throw new Error(`${script} did not start`)
  return child
}

export async function stopServer(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  await exit
}
