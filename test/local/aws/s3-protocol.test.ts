import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketCorsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutBucketCorsCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectTaggingCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type S3Fixture, s3Fixture } from './s3-fixture.ts'

let s3: S3Fixture
const Bucket = 'things'
const partBytes = 5 * 1024 ** 2

beforeAll(async () => {
  s3 = await s3Fixture()
  await s3.client.send(new CreateBucketCommand({ Bucket }))
})
afterAll(() => s3.close())

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (error: { name: string }) => error.name,
  )
const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

test('an object that is not there leaves the connection open, as it does at S3', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const connections = new Set<unknown>()
  const missing = new URL(await getSignedUrl(s3.client, new HeadObjectCommand({ Bucket, Key: 'never' })))
  for (let times = 0; times < 3; times++) {
    const asked = request(missing, { method: 'HEAD', agent }).end()
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    expect(answer.statusCode).toBe(404)
    connections.add(answer.socket)
    await once(answer.resume(), 'close')
  }
  agent.destroy()
  expect(connections.size).toBe(1)
})

describe('multipart', () => {
  const plain = () => s3.connect({ requestChecksumCalculation: 'WHEN_REQUIRED' })

  const upload = async (Key: string, sizes: readonly number[], more = {}, client = plain()) => {
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }))
    const bodies = sizes.map((size) => randomBytes(size))
    const Parts = []
    for (const [index, Body] of bodies.entries()) {
      const PartNumber = index + 1
      const part = await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }))
      Parts.push({ PartNumber, ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32 })
    }
    return { UploadId, Parts, bytes: Buffer.concat(bodies), client }
  }
  const complete = (Key: string, { UploadId, Parts }: { UploadId: string | undefined; Parts: object[] }) =>
    s3.client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }))

  test('joins parts; completing again answers the same', async () => {
    const made = await upload('joined', [partBytes, partBytes, 123])
    const listed = await s3.client.send(new ListPartsCommand({ Bucket, Key: 'joined', UploadId: made.UploadId }))
    expect(listed.Parts?.map((part) => part.Size)).toEqual([partBytes, partBytes, 123])
    const first = await complete('joined', made)
    expect(first.ETag).toMatch(/^"[0-9a-f]{32}-3"$/)
    expect((await complete('joined', made)).ETag).toBe(first.ETag)
    const read = await s3.client.send(new GetObjectCommand({ Bucket, Key: 'joined' }))
    expect(sha((await read.Body?.transformToByteArray()) ?? new Uint8Array())).toBe(sha(made.bytes))
    const edge = { Bucket, Key: 'joined', Range: `bytes=${partBytes - 2}-${partBytes + 1}` }
    const range = await (await s3.client.send(new GetObjectCommand(edge))).Body?.transformToByteArray()
    expect(Buffer.from(range ?? []).equals(made.bytes.subarray(partBytes - 2, partBytes + 2))).toBe(true)
  })

  test("the whole's CRC64NVME, combined from the parts, is that of the bytes", async () => {
    const made = await upload('combined', [partBytes, partBytes + 7, 1])
    await complete('combined', made)
    await s3.client.send(
      new PutObjectCommand({ Bucket, Key: 'at-once', Body: made.bytes, ChecksumAlgorithm: 'CRC64NVME' }),
    )
    const sums = await Promise.all(
      ['combined', 'at-once'].map((Key) =>
        s3.client.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' })),
      ),
    )
    expect(sums[0]?.ChecksumCRC64NVME).toBe(sums[1]?.ChecksumCRC64NVME)
    expect(sums[0]?.ChecksumCRC64NVME).toMatch(/=$/)
  })

  test("the SDK's default checksum makes a composite, and then every part must be named with its own", async () => {
    const made = await upload('composite', [partBytes, 9], { ChecksumAlgorithm: 'CRC32' }, s3.connect())
    const nameless = made.Parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag }))
    expect(await failure(complete('composite', { ...made, Parts: nameless }))).toBe('InvalidRequest')
    const done = await complete('composite', made)
    expect(done.ChecksumCRC32).toMatch(/-2$/)
  })

  test('what is refused', async () => {
    const made = await upload('refused', [100, 100])
    expect(await failure(complete('refused', made))).toBe('EntityTooSmall')
    expect(await failure(complete('refused', { ...made, Parts: [...made.Parts].reverse() }))).toBe('InvalidPartOrder')
    const wrong = [{ PartNumber: 1, ETag: '"00"' }]
    expect(await failure(complete('refused', { ...made, Parts: wrong }))).toBe('InvalidPart')
    await s3.client.send(new AbortMultipartUploadCommand({ Bucket, Key: 'refused', UploadId: made.UploadId }))
    expect(await failure(complete('refused', made))).toBe('NoSuchUpload')
    const late = new UploadPartCommand({ Bucket, Key: 'refused', UploadId: made.UploadId, PartNumber: 3, Body: 'x' })
    expect(await failure(s3.client.send(late))).toBe('NoSuchUpload')
  })

  test('parts sent twice, out of order, and copied; unfinished uploads are listed and outlive a restart', async () => {
    await s3.client.send(new PutObjectCommand({ Bucket, Key: 'origin', Body: '0123456789' }))
    const { UploadId } = await plain().send(new CreateMultipartUploadCommand({ Bucket, Key: 'mixed' }))
    const send = (PartNumber: number, Body: Buffer) =>
      s3.client.send(new UploadPartCommand({ Bucket, Key: 'mixed', UploadId, PartNumber, Body }))
    const [first, again] = [randomBytes(partBytes), randomBytes(partBytes)]
    await send(1, first)
    const one = await send(1, again)
    await s3.restart()
    const copy = new UploadPartCopyCommand({
      Bucket,
      Key: 'mixed',
      UploadId,
      PartNumber: 2,
      CopySource: `${Bucket}/origin`,
      CopySourceRange: 'bytes=2-4',
    })
    const two = await s3.client.send(copy)
    const open = await s3.client.send(new ListMultipartUploadsCommand({ Bucket }))
    expect(open.Uploads?.map((each) => each.Key)).toContain('mixed')
    const Parts = [
      { PartNumber: 1, ETag: one.ETag },
      { PartNumber: 2, ETag: two.CopyPartResult?.ETag },
    ]
    await complete('mixed', { UploadId, Parts })
    const read = await s3.client.send(new GetObjectCommand({ Bucket, Key: 'mixed' }))
    const whole = Buffer.from((await read.Body?.transformToByteArray()) ?? [])
    expect(whole.equals(Buffer.concat([again, Buffer.from('234')]))).toBe(true)
  })
})

describe('signatures', () => {
  test('presigned GET and PUT work until they expire', async () => {
    const put = await getSignedUrl(
      s3.connect({ requestChecksumCalculation: 'WHEN_REQUIRED' }),
      new PutObjectCommand({ Bucket, Key: 'signed file', ContentType: 'text/plain' }),
      { expiresIn: 60 },
    )
    expect((await fetch(put, { method: 'PUT', body: 'hello' })).status).toBe(200)
    const command = new GetObjectCommand({
      Bucket,
      Key: 'signed file',
      ResponseContentDisposition: 'attachment; filename="ä"',
    })
    const get = await getSignedUrl(s3.client, command, { expiresIn: 60 })
    const answer = await fetch(get)
    expect([answer.status, await answer.text()]).toEqual([200, 'hello'])
    expect(answer.headers.get('content-disposition')).toContain('attachment')
    s3.clockMs = 61_000
    const late = await fetch(get)
    s3.clockMs = 0
    expect(late.status).toBe(403)
    expect(await late.text()).toContain('<Code>AccessDenied</Code><Message>Request has expired</Message>')
  })

  test.each([
    ['another method', (url: string) => fetch(url, { method: 'DELETE' })],
    ['another key', (url: string) => fetch(url.replace('signed', 'zigned'))],
    ['another parameter', (url: string) => fetch(`${url}&response-content-type=text/html`)],
    ['a longer life', (url: string) => fetch(url.replace('X-Amz-Expires=60', 'X-Amz-Expires=600'))],
  ])('a presigned URL grants nothing for %s', async (_, attempt) => {
    const url = await getSignedUrl(s3.client, new GetObjectCommand({ Bucket, Key: 'signed' }), { expiresIn: 60 })
    const answer = await attempt(url)
    expect(answer.status).toBe(403)
    expect(await answer.text()).toContain('SignatureDoesNotMatch')
  })

  test('wrong secret, unknown key, no signature, a clock that is off', async () => {
    const as = (accessKeyId: string, secretAccessKey: string) =>
      failure(
        s3
          .connect({ credentials: { accessKeyId, secretAccessKey } })
          .send(new PutObjectCommand({ Bucket, Key: 'x', Body: 'x' })),
      )
    expect(await as('local', 'wrong')).toBe('SignatureDoesNotMatch')
    expect(await as('stranger', 'local-secret')).toBe('InvalidAccessKeyId')
    expect((await fetch(`${s3.endpoint}/${Bucket}/x`)).status).toBe(403)
    s3.clockMs = 16 * 60_000
    const skewed = failure(s3.connect({ maxAttempts: 1 }).send(new HeadObjectCommand({ Bucket, Key: 'x' })))
    expect(await skewed).not.toBe('none')
    s3.clockMs = 0
  })

  test('a body that differs from the signed hash is refused', async () => {
    const client = s3.connect()
    client.middlewareStack.add(
      (next) => (args) => {
        ;(args.request as { body: unknown }).body = 'other'
        return next(args)
      },
      { step: 'finalizeRequest', priority: 'low', name: 'tamper' },
    )
    expect(await failure(client.send(new PutObjectCommand({ Bucket, Key: 'tampered', Body: 'bytes' })))).not.toBe(
      'none',
    )
    expect(await failure(s3.client.send(new GetObjectCommand({ Bucket, Key: 'tampered' })))).toBe('NoSuchKey')
  })

  test('throttling on demand, which the SDK rides out', async () => {
    await fetch(`${s3.endpoint}/_local/throttle`, { method: 'POST', body: '{"next":1}' })
    const answer = await fetch(`${s3.endpoint}/${Bucket}`)
    expect([answer.status, await answer.text()]).toEqual([503, expect.stringContaining('SlowDown')])
    await fetch(`${s3.endpoint}/_local/throttle`, { method: 'POST', body: '{"next":2}' })
    await s3.client.send(new PutObjectCommand({ Bucket, Key: 'slow', Body: 'x' }))
  })
})

describe('bucket settings', () => {
  test('CORS: preflight and answers, by origin', async () => {
    const CORSRules = [
      {
        AllowedOrigins: ['https://*.example'],
        AllowedMethods: ['PUT', 'GET'],
        AllowedHeaders: ['content-type'],
        ExposeHeaders: ['ETag'],
        MaxAgeSeconds: 60,
      },
    ]
    await s3.client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }))
    expect((await s3.client.send(new GetBucketCorsCommand({ Bucket }))).CORSRules?.[0]).toMatchObject(
      CORSRules[0] ?? {},
    )
    const ask = (origin: string, headers: string) =>
      fetch(`${s3.endpoint}/${Bucket}/x`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'PUT', 'access-control-request-headers': headers },
      })
    const allowed = await ask('https://app.example', 'content-type')
    expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([200, 'https://app.example'])
    expect(allowed.headers.get('access-control-expose-headers')).toBe('ETag')
    expect((await ask('https://evil.test', 'content-type')).status).toBe(403)
    expect((await ask('https://app.example', 'x-other')).status).toBe(403)
  })

  test('tags', async () => {
    const at = { Bucket, Key: 'tagged' }
    await s3.client.send(new PutObjectCommand({ ...at, Body: 'x', Tagging: 'a=1&b=2' }))
    expect((await s3.client.send(new GetObjectTaggingCommand(at))).TagSet).toHaveLength(2)
    await s3.client.send(new PutObjectTaggingCommand({ ...at, Tagging: { TagSet: [{ Key: 'c', Value: '3' }] } }))
    expect((await s3.client.send(new GetObjectTaggingCommand(at))).TagSet).toEqual([{ Key: 'c', Value: '3' }])
  })

  test('Object Lock: a retained version cannot be removed, a held one neither', async () => {
    await s3.client.send(new CreateBucketCommand({ Bucket: 'locked', ObjectLockEnabledForBucket: true }))
    const at = { Bucket: 'locked', Key: 'kept' }
    const { VersionId } = await s3.client.send(
      new PutObjectCommand({
        ...at,
        Body: 'x',
        ObjectLockMode: 'COMPLIANCE',
        ObjectLockRetainUntilDate: new Date(Date.now() + 3_600_000),
      }),
    )
    await s3.client.send(new DeleteObjectCommand(at)) // only hides
    const remove = () => s3.client.send(new DeleteObjectCommand({ ...at, VersionId, BypassGovernanceRetention: true }))
    expect(await failure(remove())).toBe('AccessDenied')
    s3.clockMs = 3_700_000
    const later = s3.connect({ systemClockOffset: 3_700_000 })
    await later.send(new PutObjectLegalHoldCommand({ ...at, VersionId, LegalHold: { Status: 'ON' } }))
    const removeLater = () => later.send(new DeleteObjectCommand({ ...at, VersionId }))
    expect(await failure(removeLater())).toBe('AccessDenied')
    await later.send(new PutObjectLegalHoldCommand({ ...at, VersionId, LegalHold: { Status: 'OFF' } }))
    await removeLater()
    s3.clockMs = 0
  })
})
