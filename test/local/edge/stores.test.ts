import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { BlobServiceClient } from '@azure/storage-blob'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { cloudFrontDelivery } from '../../../aws/adapters/delivery.ts'
import { blobDelivery } from '../../../azure/adapters/delivery.ts'
import { startS3Server } from '../../../local/aws/s3/server.ts'
import { startAzurite } from '../../../local/azure/azurite-server.ts'
import { storageConnectionString } from '../../../local/azure/endpoints.ts'
import { cloudFrontGate } from '../../../local/edge/cloudfront.ts'
import { frontDoorGate } from '../../../local/edge/front-door.ts'
import type { Gate } from '../../../local/edge/gate.ts'
import { createEdge } from '../../../local/edge/server.ts'

const key = 'objects/tenant-1/asset 1/ä+b.webp'
const bytes = Buffer.from('not really a picture')
const wanted = { mediaType: 'image/webp', disposition: 'inline; filename="a b.webp"' }
let folder: string

const serve = async (gate: Gate, name: string): Promise<{ server: Server; url: string }> => {
  const server = await createEdge({ gate, folder: join(folder, name) })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const read = async (url: string) => {
  const response = await fetch(url)
  return {
    status: response.status,
    cache: response.headers.get('x-cache'),
    headers: response.headers,
    text: await response.text(),
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edge-stores-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

describe('CloudFront before S3', () => {
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const privateKey = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const keyPairId = 'K123'
  let s3server: Awaited<ReturnType<typeof startS3Server>>
  let s3: S3Client
  let edge: Awaited<ReturnType<typeof serve>>
  let nowMs = Date.now()

  const sign = (overrides: Partial<Parameters<typeof cloudFrontDelivery>[0]> = {}) =>
    cloudFrontDelivery({ edgeUrl: edge.url, keyPairId, privateKey, ...overrides }).signedUrl(key, {
      expiresAtMs: Date.now() + 60_000,
      ...wanted,
    })

  beforeAll(async () => {
    const secrets = { local: 'local-secret' }
    const sendEvent = async (): Promise<void> => undefined
    s3server = await startS3Server({ data: join(folder, 's3'), port: 0, region: 'us-east-1', secrets, sendEvent })
    s3 = new S3Client({
      endpoint: `http://127.0.0.1:${s3server.port}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local-secret' },
      forcePathStyle: true,
    })
    await s3.send(new CreateBucketCommand({ Bucket: 'test-objects' }))
    await s3.send(new PutObjectCommand({ Bucket: 'test-objects', Key: key, Body: bytes }))
    const publicKeys = new Map([[keyPairId, createPublicKey(keys.publicKey.export({ type: 'spki', format: 'pem' }))]])
    const bucketOf = (segment: string) => (segment === 'objects' ? 'test-objects' : undefined)
    edge = await serve(cloudFrontGate({ publicKeys, s3, bucketOf, now: () => nowMs }), 'aws')
  })
  afterAll(async () => {
    edge.server.closeAllConnections()
    edge.server.close()
    s3.destroy()
    await s3server.close()
  })

  test('a signed URL reads the object as asked, then from the cache', async () => {
    const url = await sign()
    const first = await read(url)
    expect([first.status, first.cache, first.text]).toEqual([200, 'miss', bytes.toString()])
    expect(first.headers.get('content-type')).toBe('image/webp')
    expect(first.headers.get('content-disposition')).toBe(wanted.disposition)
    const second = await read(url)
    expect(second.cache).toBe('hit')
    for (const { headers } of [first, second]) {
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-security-policy')).toMatch(/^default-src 'none';.* sandbox$/)
    }
  })

  test('the signature is no part of the cache key', async () => {
    await read(await sign())
    const other = await cloudFrontDelivery({ edgeUrl: edge.url, keyPairId, privateKey }).signedUrl(key, {
      expiresAtMs: Date.now() + 3_600_000,
      ...wanted,
    })
    expect((await read(other)).cache).toBe('hit')
  })

  test.each<[string, (url: string) => string, string]>([
    ['no signature', (url) => url.split('?')[0] ?? '', 'MissingKey'],
    ['another key pair', (url) => url.replace(keyPairId, 'K999'), 'InvalidKey'],
    ['another object', (url) => url.replace('asset%201', 'asset%202'), 'AccessDenied'],
    ['another media type', (url) => url.replace('webp&', 'html&'), 'AccessDenied'],
    ['a later expiry', (url) => url.replace(/Expires=(\d+)/, (_, at) => `Expires=${Number(at) + 1}`), 'AccessDenied'],
    ['a parameter more', (url) => url.replace('?', '?x=1&'), 'AccessDenied'],
    ['a broken signature', (url) => url.replace(/Signature=..../, 'Signature=AAAA'), 'AccessDenied'],
  ])('%s is refused', async (_, change, code) => {
    const good = await sign()
    const url = change(good)
    expect(url).not.toBe(good)
    const refused = await read(url)
    expect([refused.status, refused.cache]).toEqual([403, 'refused'])
    expect(refused.text).toContain(`<Code>${code}</Code>`)
  })

  test('a key that is not in the key group', async () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    const forged = await sign({ privateKey: other.export({ type: 'pkcs8', format: 'pem' }).toString() })
    expect((await read(forged)).status).toBe(403)
  })

  test('a URL whose time is over is refused, though the object is cached', async () => {
    const url = await sign()
    expect((await read(url)).status).toBe(200)
    nowMs = Date.now() + 3_600_000
    expect((await read(url)).status).toBe(403)
    nowMs = Date.now()
  })
})

describe('Front Door before Blob Storage', () => {
  let azurite: Awaited<ReturnType<typeof startAzurite>>
  let edge: Awaited<ReturnType<typeof serve>>
  let client: BlobServiceClient
  const blobPort = 20_000 + (process.pid % 10_000)

  beforeAll(async () => {
    azurite = await startAzurite({ folder: join(folder, 'azurite'), blobPort, queuePort: blobPort + 10_000 })
    client = BlobServiceClient.fromConnectionString(storageConnectionString(blobPort, blobPort + 10_000))
    const container = client.getContainerClient('objects')
    await container.create()
    await container.getBlockBlobClient(key).upload(bytes, bytes.length)
    edge = await serve(frontDoorGate({ blobEndpoint: client.url.replace(/\/$/, '') }), 'azure')
  })
  afterAll(async () => {
    edge.server.closeAllConnections()
    edge.server.close()
    await azurite.stop()
  })

  const sign = () =>
    blobDelivery({ edgeUrl: edge.url, client, copyFromUrl: false }).signedUrl(key, {
      expiresAtMs: Date.now() + 60_000,
      ...wanted,
    })

  test('a SAS URL reads the object as asked, then from the cache', async () => {
    const url = await sign()
    const first = await read(url)
    expect([first.status, first.cache, first.text]).toEqual([200, 'miss', bytes.toString()])
    expect(first.headers.get('content-type')).toBe('image/webp')
    expect(first.headers.get('content-disposition')).toBe(wanted.disposition)
    const second = await read(url)
    expect(second.cache).toBe('hit')
    for (const { headers } of [first, second]) {
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-security-policy')).toMatch(/^default-src 'none';.* sandbox$/)
    }
  })

  test.each<[string, (url: string) => string]>([
    ['no signature', (url) => url.split('?')[0] ?? ''],
    ['a broken signature', (url) => url.replace(/sig=..../, 'sig=AAAA')],
    ['another media type', (url) => url.replace('webp', 'html')],
  ])('%s is refused, though the object is cached', async (_, change) => {
    const good = await sign()
    await read(good)
    const url = change(good)
    expect(url).not.toBe(good)
    const { status, cache } = await read(url)
    expect(cache).toBe('miss')
    expect([403, 404]).toContain(status)
  })
})
