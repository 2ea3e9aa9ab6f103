import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob'
import { type QueueClient, QueueServiceClient } from '@azure/storage-queue'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { azurePorts, storageConnectionString } from '../../../local/azure/endpoints.ts'
import { provision } from '../../../local/azure/provision.ts'
import { cosmosConnectionString } from '../../../local/azure/endpoints.ts'
import { freePortBase, type Running, run, until } from './processes.ts'

let data: string
let args: string[]
let azurite: Running
let services: Running
let uploads: ContainerClient
let queue: QueueClient
let connection: string
const journal = (): Promise<string[]> => readdir(join(data, 'event-grid'))

interface StorageEvent {
  readonly eventType: string
  readonly subject: string
  readonly data: {
    readonly api: string
    readonly contentLength: number
    readonly contentType: string
    readonly url: string
  }
}

async function nextEvents(count: number): Promise<StorageEvent[]> {
  const events: StorageEvent[] = []
  await until(async () => {
    const { receivedMessageItems } = await queue.receiveMessages({ numberOfMessages: 32 })
    for (const message of receivedMessageItems) {
      events.push(JSON.parse(Buffer.from(message.messageText, 'base64').toString()) as StorageEvent)
      await queue.deleteMessage(message.messageId, message.popReceipt)
    }
    return events.length >= count ? true : undefined
  })
  return events
}

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'event-grid-'))
  const base = await freePortBase()
  args = ['--data', data, '--port-base', String(base)]
  const ports = azurePorts(base)
  connection = storageConnectionString(ports.blob, ports.queue)
  azurite = await run('azurite.ts', args)
  services = await run('services.ts', args)
  await provision({ cosmos: cosmosConnectionString(ports.cosmos), storage: connection })
  uploads = BlobServiceClient.fromConnectionString(connection).getContainerClient('uploads')
  queue = QueueServiceClient.fromConnectionString(connection).getQueueClient('upload-events')
}, 60_000)

afterAll(async () => {
  await services.kill('SIGTERM')
  await azurite.kill('SIGTERM')
  await rm(data, { recursive: true, force: true })
})

test('put, block list, copy and delete under the prefix raise events; nothing else does', async () => {
  await uploads
    .getBlockBlobClient('drop/t/ä b+c.txt')
    .upload('hello', 5, { blobHTTPHeaders: { blobContentType: 'text/plain' } })
  await uploads.getBlockBlobClient('uploads/other.txt').upload('hello', 5)
  const [put] = await nextEvents(1)
  expect(put).toMatchObject({
    eventType: 'Microsoft.Storage.BlobCreated',
    subject: '/blobServices/default/containers/uploads/blobs/drop/t/ä b+c.txt',
    data: { api: 'PutBlob', contentLength: 5, contentType: 'text/plain' },
  })
  const url = new URL(put?.data.url ?? '')
  expect(decodeURIComponent(url.pathname)).toMatch(/\/uploads\/drop\/t\/ä b\+c\.txt$/u)
  const blocks = uploads.getBlockBlobClient('drop/t/blocks')
  const id = Buffer.from('0001').toString('base64')
  await blocks.stageBlock(id, 'abc', 3)
  await blocks.commitBlockList([id])
  const copy = await uploads.getBlockBlobClient('drop/t/copy').beginCopyFromURL(blocks.url)
  await copy.pollUntilDone()
  await blocks.delete()
  await uploads.getBlockBlobClient('drop/none').deleteIfExists()
  const events = await nextEvents(3)
  expect(events.map(({ data: { api } }) => api).sort()).toEqual(['CopyBlob', 'DeleteBlob', 'PutBlockList'])
  await until(async () => ((await journal()).length === 0 ? true : undefined))
})

test('a wrong signature is refused through the proxy and raises nothing', async () => {
  const wrong = connection.replace(/AccountKey=[^;]+/u, `AccountKey=${Buffer.alloc(64, 1).toString('base64')}`)
  const stranger = BlobServiceClient.fromConnectionString(wrong).getContainerClient('uploads')
  await expect(stranger.getBlockBlobClient('drop/x').upload('x', 1)).rejects.toMatchObject({ statusCode: 403 })
  expect((await queue.receiveMessages()).receivedMessageItems).toEqual([])
  expect(await journal()).toEqual([])
})

test('CORS preflights pass through', async () => {
  const response = await fetch(`${uploads.url}/drop/a`, {
    method: 'OPTIONS',
    headers: { origin: 'http://example.test', 'access-control-request-method': 'PUT' },
  })
  expect(response.status).toBe(200)
  expect(response.headers.get('access-control-allow-origin')).not.toBeNull()
})

test('a large body passes at flat memory', async () => {
  const bytes = 300 * 1024 * 1024
  const chunk = Buffer.alloc(1024 * 1024, 7)
  const body = Readable.from(
    (function* () {
      for (let sent = 0; sent < bytes; sent += chunk.length) yield chunk
    })(),
  )
  await uploads.getBlockBlobClient('drop/large').upload(() => body, bytes)
  const status = await readFile(`/proc/${services.child.pid}/status`, 'utf8')
  const peakKilobytes = Number(/VmHWM:\s+(\d+)/u.exec(status)?.[1])
  process.stdout.write(`event grid proxy: peak ${Math.round(peakKilobytes / 1024)} MB while 300 MB passed\n`)
  expect(peakKilobytes).toBeLessThan(260 * 1024)
  const [event] = await nextEvents(1)
  expect(event?.data).toMatchObject({ contentLength: bytes })
}, 60_000)

test('a proxy killed before its event is queued sends it after the restart', async () => {
  await azurite.kill('SIGTERM')
  azurite = await run('azurite.ts', args)
  await queue.delete()
  await uploads.getBlockBlobClient('drop/late').upload('late', 4)
  await uploads.getBlockBlobClient('drop/gone').upload('gone', 4)
  expect((await journal()).length).toBe(2)
  await services.kill('SIGKILL')
  await queue.createIfNotExists()
  services = await run('services.ts', args)
  const events = await nextEvents(2)
  expect(events.map(({ subject }) => String(subject.split('/').at(-1))).sort()).toEqual(['gone', 'late'])
}, 30_000)

test('azurite killed right after an answer has lost neither blob nor message', async () => {
  for (let round = 0; round < 3; round += 1) {
    await uploads.getBlockBlobClient(`uploads/kept${round}`).upload(`round ${round}`, 7)
    await uploads.getBlockBlobClient('uploads/changing').upload(`state ${round}`, 7)
    await uploads.getBlockBlobClient(`uploads/deleted${round}`).upload('x', 1)
    if (round > 0) await uploads.getBlockBlobClient(`uploads/deleted${round - 1}`).delete()
    await queue.sendMessage(Buffer.from(`message ${round}`).toString('base64'))
    await azurite.kill('SIGKILL')
    azurite = await run('azurite.ts', args)
    const text = async (name: string): Promise<string> =>
      (await uploads.getBlobClient(`uploads/${name}`).downloadToBuffer()).toString()
    for (let kept = 0; kept <= round; kept += 1) expect(await text(`kept${kept}`)).toBe(`round ${kept}`)
    expect(await text('changing')).toBe(`state ${round}`)
    const names: string[] = []
    for await (const { name } of uploads.listBlobsFlat({ prefix: 'uploads/deleted' })) names.push(name)
    expect(names).toEqual([`uploads/deleted${round}`])
  }
  const { receivedMessageItems } = await queue.receiveMessages({ numberOfMessages: 32 })
  expect(receivedMessageItems.map(({ messageText }) => Buffer.from(messageText, 'base64').toString())).toEqual([
    'message 0',
    'message 1',
    'message 2',
  ])
}, 60_000)

test('a port in use is said in one line', async () => {
  await expect(run('services.ts', args)).rejects.toThrow(
    /^services.ts did not start: Port \d+ on 127.0.0.1 is in use: [^\n]+$/u,
  )
})
