import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from '@jest/globals'
import { BlobServiceClient } from '@azure/storage-blob'
import { blobObjectStore } from '../../azure/adapters/object-store.ts'
import { storageConnectionString } from '../../local/azure/endpoints.ts'
import { hashing } from '../../shared/domain/hashing.ts'
import type { ObjectStore } from '../../shared/ports/object-store.ts'

/** As S3 signs them: the service must hand on every character of it. */
const source =
  'https://bucket.s3.eu-central-1.amazonaws.com/objects/t/a/0f?X-Amz-Signature=ab%2Bc&X-Amz-Expires=900&x-id=Get'
const text = 'HelloWorld'
const range = { first: 0, last: text.length - 1 }
/**
 * What Blob Storage answered to Put Block From URL for a source with that text, as Azure/azure-sdk-for-js has recorded it on
 * 1 February 2023 (storage-blob, "stageBlockFromURL copy source blob as single block"). There the source was a public blob and
 * no range was asked for: nobody has recorded an answer about a range of S3. What is refused below is written from the
 * service's reference.
 */
const copied = {
  'x-ms-content-crc64': '8R2aIe9T07E=',
  'x-ms-request-server-encrypted': 'true',
  'x-ms-version': '2021-12-02',
}
let server: Server | undefined

afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

/** A store whose service answers like this, and what it was asked. */
async function answering(
  status: number,
  headers: Record<string, string>,
): Promise<{ store: ObjectStore; asked: IncomingMessage[] }> {
  const asked: IncomingMessage[] = []
  server = createServer((request, response) => {
    asked.push(request)
    response.writeHead(status, { 'x-ms-request-id': '1', ...headers }).end()
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
  const { store, asked } = await answering(201, copied)
  const part = await copyPart(store)
  const [request] = asked
  const { pathname, searchParams } = new URL(request?.url ?? '', 'http://local')
  expect([request?.method, pathname]).toEqual(['PUT', '/devstoreaccount1/objects/objects/t/a/0f'])
  expect(searchParams.get('comp')).toBe('block')
  expect(`"${searchParams.get('blockid')}"`).toBe(part.etag)
  expect(request?.headers).toMatchObject({
    'x-ms-copy-source': source,
    'x-ms-source-range': 'bytes=0-9',
    'content-length': '0',
  })
  expect(part).toMatchObject({ part: 2, bytes: 10, crc64nvme: 'b1d353ef219a1df1' })
})

test('the CRC that the service was recorded to answer is ours of the same bytes', async () => {
  const { store } = await answering(201, copied)
  const { crc64Of } = await hashing
  expect((await copyPart(store)).crc64nvme).toBe(crc64Of(Buffer.from(text)))
})

test.each([
  ['cannot read the source', 403, { 'x-ms-error-code': 'CannotVerifyCopySource' }],
  ['does not find the source', 404, { 'x-ms-error-code': 'CannotVerifyCopySource' }],
  ['does not tell the CRC', 201, {}],
])('a service that %s is one that cannot copy by itself', async (_, status, headers) => {
  const { store } = await answering(status, headers as Record<string, string>)
  await expect(copyPart(store)).rejects.toMatchObject({ code: 'unavailable' })
})
