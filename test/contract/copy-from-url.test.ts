import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from '@jest/globals'
import { BlobServiceClient } from '@azure/storage-blob'
import { blobObjectStore } from '../../azure/adapters/object-store.ts'
import { storageConnectionString } from '../../local/azure/endpoints.ts'
import type { ObjectStore } from '../../shared/ports/object-store.ts'

/** As S3 signs them: the service must hand on every character of it. */
const source =
  'https://bucket.s3.eu-central-1.amazonaws.com/objects/t/a/0f?X-Amz-Signature=ab%2Bc&X-Amz-Expires=900&x-id=Get'
const range = { first: 67_108_864, last: 134_217_727 }
const copied = { 'x-ms-content-crc64': Buffer.from('ae8b14860a799888', 'hex').reverse().toString('base64') }
let server: Server | undefined

afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

/** A store whose service answers as was recorded, and what it was asked. */
async function recorded(
  status: number,
  headers: Record<string, string>,
): Promise<{ store: ObjectStore; asked: IncomingMessage[] }> {
  const asked: IncomingMessage[] = []
  server = createServer((request, response) => {
    asked.push(request)
    response.writeHead(status, { 'x-ms-version': '2025-11-05', 'x-ms-request-id': '1', ...headers }).end()
  })
  const listening = server
  await new Promise<void>((resolve) => void listening.listen(0, '127.0.0.1', resolve))
  const { port } = listening.address() as AddressInfo
  const client = BlobServiceClient.fromConnectionString(storageConnectionString(port, port))
  return { store: blobObjectStore({ client, copyFromUrl: true }), asked }
}

const copyPart = async (store: ObjectStore) =>
  store.putPart(await store.startMultipart('objects/t/a/0f', { mediaType: 'video/mp4' }), 2, {
    kind: 'url',
    url: source,
    range,
  })

test('Put Block From URL names the source, the range and a block, and its CRC comes back', async () => {
  const { store, asked } = await recorded(201, copied)
  const part = await copyPart(store)
  const [request] = asked
  const { pathname, searchParams } = new URL(request?.url ?? '', 'http://local')
  expect([request?.method, pathname]).toEqual(['PUT', '/devstoreaccount1/objects/objects/t/a/0f'])
  expect(searchParams.get('comp')).toBe('block')
  expect(`"${searchParams.get('blockid')}"`).toBe(part.etag)
  expect(request?.headers).toMatchObject({
    'x-ms-copy-source': source,
    'x-ms-source-range': `bytes=${range.first}-${range.last}`,
    'content-length': '0',
  })
  expect(part).toMatchObject({ part: 2, bytes: 67_108_864, crc64nvme: 'ae8b14860a799888' })
})

test.each([
  ['cannot read the source', 403, { 'x-ms-error-code': 'CannotVerifyCopySource' }],
  ['does not find the source', 404, { 'x-ms-error-code': 'CannotVerifyCopySource' }],
  ['does not tell the CRC', 201, {}],
])('a service that %s is one that cannot copy by itself', async (_, status, headers) => {
  const { store } = await recorded(status, headers as Record<string, string>)
  await expect(copyPart(store)).rejects.toMatchObject({ code: 'unavailable' })
})
