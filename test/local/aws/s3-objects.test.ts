import { createHash, randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import {
  type ChecksumAlgorithm,
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type S3Fixture, s3Fixture } from './s3-fixture.ts'

let s3: S3Fixture
const Bucket = 'things'

beforeAll(async () => {
  s3 = await s3Fixture()
  await s3.client.send(new CreateBucketCommand({ Bucket }))
})
afterAll(() => s3.close())

const put = (Key: string, Body: string | Buffer, more = {}) =>
  s3.client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }))
const get = async (Key: string, more = {}) => {
  const answer = await s3.client.send(new GetObjectCommand({ Bucket, Key, ...more }))
  return { ...answer, bytes: Buffer.from((await answer.Body?.transformToByteArray()) ?? []) }
}
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => ({ name: 'none', status: 0 }),
    (error: { name: string; $metadata?: { httpStatusCode?: number } }) => ({
      name: error.name,
      status: error.$metadata?.httpStatusCode,
    }),
  )

describe('objects', () => {
  test('come back byte for byte with what was said of them', async () => {
    const body = randomBytes(300_000)
    const key = 'a folder/ünï+code%20&<x>.bin'
    const stored = await put(key, body, {
      ContentType: 'image/x-test',
      CacheControl: 'no-store',
      ContentDisposition: 'attachment',
      Metadata: { sha256: 'abc', other: 'x y' },
    })
    expect(stored.ETag).toBe(`"${createHash('md5').update(body).digest('hex')}"`)
    const read = await get(key)
    expect(read.bytes.equals(body)).toBe(true)
    expect(read).toMatchObject({
      ContentType: 'image/x-test',
      CacheControl: 'no-store',
      ContentDisposition: 'attachment',
      Metadata: { sha256: 'abc', other: 'x y' },
      ContentLength: body.length,
    })
    expect(read.ContentEncoding).toBeUndefined()
  })

  test('streams of known length go through aws-chunked with a trailer', async () => {
    const body = randomBytes(3_000_000)
    await s3.client.send(
      new PutObjectCommand({ Bucket, Key: 'stream', Body: Readable.from([body]), ContentLength: body.length }),
    )
    expect((await get('stream')).bytes.equals(body)).toBe(true)
  })

  test('a stream of no stated length is refused', async () => {
    const command = new PutObjectCommand({ Bucket, Key: 'unknown', Body: Readable.from([Buffer.from('x')]) })
    expect((await failure(s3.client.send(command))).name).not.toBe('none')
    expect(await failure(get('unknown'))).toMatchObject({ name: 'NoSuchKey', status: 404 })
  })

  test.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'])('%s is checked and told', async (name) => {
    const body = randomBytes(100_001)
    const ChecksumAlgorithm = name as ChecksumAlgorithm
    await put(`sum-${name}`, body, { ChecksumAlgorithm })
    const head = await s3.client.send(new HeadObjectCommand({ Bucket, Key: `sum-${name}`, ChecksumMode: 'ENABLED' }))
    expect(head.ChecksumType).toBe('FULL_OBJECT')
    expect(Object.keys(head)).toContain(`Checksum${name}`)
    const wrong = {
      [`Checksum${name}`]: Buffer.alloc({ CRC64NVME: 8, SHA1: 20, SHA256: 32 }[name] ?? 4).toString('base64'),
    }
    expect(await failure(put(`bad-${name}`, body, wrong))).toMatchObject({ name: 'BadDigest', status: 400 })
    expect(await failure(get(`bad-${name}`))).toMatchObject({ name: 'NoSuchKey' })
  })

  test('known check values of the CRCs', async () => {
    // The "check" column of the CRC catalogue: the CRC of the text 123456789.
    await put('check-64', '123456789', { ChecksumAlgorithm: 'CRC64NVME' })
    await put('check-32c', '123456789', { ChecksumAlgorithm: 'CRC32C' })
    const sums = await Promise.all(
      ['check-64', 'check-32c'].map((Key) =>
        s3.client.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' })),
      ),
    )
    expect(Buffer.from(sums[0]?.ChecksumCRC64NVME ?? '', 'base64').toString('hex')).toBe('ae8b14860a799888')
    expect(Buffer.from(sums[1]?.ChecksumCRC32C ?? '', 'base64').toString('hex')).toBe('e3069283')
  })

  test('a wrong Content-MD5 is refused', async () => {
    const ContentMD5 = createHash('md5').update('other').digest('base64')
    expect(await failure(put('md5', 'text', { ContentMD5 }))).toMatchObject({ name: 'BadDigest' })
  })

  test('conditions hold', async () => {
    const { ETag } = await put('conditional', 'one', { IfNoneMatch: '*' })
    expect(await failure(put('conditional', 'two', { IfNoneMatch: '*' }))).toMatchObject({
      name: 'PreconditionFailed',
      status: 412,
    })
    expect(await failure(put('conditional', 'two', { IfMatch: '"0"' }))).toMatchObject({ status: 412 })
    await put('conditional', 'two', { IfMatch: ETag })
    expect((await get('conditional')).bytes.toString()).toBe('two')
    const now = (await get('conditional')).ETag
    expect(await failure(get('conditional', { IfNoneMatch: now }))).toMatchObject({ status: 304 })
    expect(await failure(get('conditional', { IfMatch: ETag }))).toMatchObject({ status: 412 })
    expect(await failure(get('conditional', { IfModifiedSince: new Date(Date.now() + 60_000) }))).toMatchObject({
      status: 304,
    })
  })

  test('exactly one of many creators at once wins', async () => {
    const tries = Array.from({ length: 10 }, (_, index) => failure(put('race', `try ${index}`, { IfNoneMatch: '*' })))
    const outcomes = (await Promise.all(tries)).map((outcome) => outcome.name)
    expect(outcomes.filter((name) => name === 'none')).toHaveLength(1)
  })

  test('ranges', async () => {
    await put('range', '0123456789')
    const read = await get('range', { Range: 'bytes=2-4' })
    expect([read.bytes.toString(), read.ContentRange]).toEqual(['234', 'bytes 2-4/10'])
    expect((await get('range', { Range: 'bytes=-3' })).bytes.toString()).toBe('789')
    expect((await get('range', { Range: 'bytes=8-' })).bytes.toString()).toBe('89')
    expect((await get('range', { Range: 'bytes=8-99' })).bytes.toString()).toBe('89')
    expect(await failure(get('range', { Range: 'bytes=10-' }))).toMatchObject({ name: 'InvalidRange', status: 416 })
  })

  test('an empty object', async () => {
    await put('empty', '')
    expect((await get('empty')).bytes).toHaveLength(0)
    expect(await failure(get('empty', { Range: 'bytes=0-0' }))).toMatchObject({ status: 416 })
  })

  test('copies', async () => {
    await put('source key', 'copy me', { ContentType: 'text/x', Metadata: { a: '1' } })
    const CopySource = `${Bucket}/${encodeURIComponent('source key')}`
    await s3.client.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource }))
    expect(await get('copy')).toMatchObject({ ContentType: 'text/x', Metadata: { a: '1' } })
    await s3.client.send(
      new CopyObjectCommand({
        Bucket,
        Key: 'copy',
        CopySource,
        MetadataDirective: 'REPLACE',
        ContentType: 'text/y',
        Metadata: { b: '2' },
      }),
    )
    await s3.client.send(new DeleteObjectCommand({ Bucket, Key: 'source key' }))
    const copy = await get('copy')
    expect(copy).toMatchObject({ ContentType: 'text/y', Metadata: { b: '2' } })
    expect(copy.bytes.toString()).toBe('copy me')
    const missing = new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/nothing` })
    expect(await failure(s3.client.send(missing))).toMatchObject({ name: 'NoSuchKey' })
  })

  test('survive a restart, and leave no stray files', async () => {
    await put('kept', 'still here')
    await put('kept', 'still here, newer')
    await s3.restart()
    expect((await get('kept')).bytes.toString()).toBe('still here, newer')
    const files = (await readdir(join(s3.folder, 'blobs'), { recursive: true, withFileTypes: true })).filter((each) =>
      each.isFile(),
    )
    const listed = await s3.client.send(new ListObjectsV2Command({ Bucket }))
    expect(files).toHaveLength(listed.KeyCount ?? 0)
  })

  test('names that are too short, keys too long, buckets unknown', async () => {
    expect(await failure(s3.client.send(new CreateBucketCommand({ Bucket: 'ab' })))).toMatchObject({
      name: 'InvalidBucketName',
    })
    expect(await failure(put('x'.repeat(1025), 'y'))).toMatchObject({ name: 'KeyTooLongError' })
    const elsewhere = new GetObjectCommand({ Bucket: 'nowhere', Key: 'x' })
    expect(await failure(s3.client.send(elsewhere))).toMatchObject({ name: 'NoSuchBucket' })
    expect(await failure(put('meta', 'y', { Metadata: { a: 'x'.repeat(2050) } }))).toMatchObject({
      name: 'MetadataTooLarge',
    })
  })
})

describe('listing', () => {
  const keys = ['a/1', 'a/2', 'a/b/1', 'a/b/2', 'b', 'c/1', 'c&d <e>', 'ä/1', '\u{1f600}']

  beforeAll(async () => {
    await s3.client.send(new CreateBucketCommand({ Bucket: 'listed' }))
    for (const Key of keys) await s3.client.send(new PutObjectCommand({ Bucket: 'listed', Key, Body: Key }))
  })

  const pages = async (MaxKeys: number, more = {}) => {
    const names: string[] = []
    let ContinuationToken: string | undefined
    do {
      const page = await s3.client.send(
        new ListObjectsV2Command({
          Bucket: 'listed',
          MaxKeys,
          ...more,
          ...(ContinuationToken ? { ContinuationToken } : {}),
        }),
      )
      expect((page.Contents?.length ?? 0) + (page.CommonPrefixes?.length ?? 0)).toBeLessThanOrEqual(MaxKeys)
      names.push(...(page.Contents ?? []).map((each) => each.Key ?? ''))
      names.push(...(page.CommonPrefixes ?? []).map((each) => each.Prefix ?? ''))
      ContinuationToken = page.NextContinuationToken
    } while (ContinuationToken)
    return names
  }
  const inOrder = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))

  test.each([1, 2, 3, 1000])('pages of %d hold every key once, in order of bytes', async (size) => {
    expect(await pages(size)).toEqual(inOrder)
  })

  test.each([1, 2, 1000])('delimiter in pages of %d', async (size) => {
    expect((await pages(size, { Delimiter: '/' })).sort()).toEqual(
      ['a/', 'b', 'c&d <e>', 'c/', 'ä/', '\u{1f600}'].sort(),
    )
    expect((await pages(size, { Delimiter: '/', Prefix: 'a/' })).sort()).toEqual(['a/1', 'a/2', 'a/b/'])
  })

  test('prefix, start-after, url encoding, version 1', async () => {
    expect(await pages(1000, { Prefix: 'a/' })).toEqual(['a/1', 'a/2', 'a/b/1', 'a/b/2'])
    expect(await pages(1000, { StartAfter: 'c/1' })).toEqual(['ä/1', '\u{1f600}'])
    const first = await s3.client.send(new ListObjectsCommand({ Bucket: 'listed', MaxKeys: 2, Delimiter: '/' }))
    expect([first.IsTruncated, first.NextMarker]).toEqual([true, 'b'])
    const second = await s3.client.send(
      new ListObjectsCommand({ Bucket: 'listed', Delimiter: '/', Marker: 'b', EncodingType: 'url' }),
    )
    expect(second.Contents?.[0]?.Key).toBe('c%26d%20%3Ce%3E')
  })
})

describe('versions', () => {
  beforeAll(async () => {
    await s3.client.send(new CreateBucketCommand({ Bucket: 'versioned' }))
    await s3.client.send(
      new PutBucketVersioningCommand({ Bucket: 'versioned', VersioningConfiguration: { Status: 'Enabled' } }),
    )
  })
  const at = { Bucket: 'versioned', Key: 'doc' }

  test('old versions stay, delete markers hide, removing the marker shows again', async () => {
    const one = await s3.client.send(new PutObjectCommand({ ...at, Body: 'one' }))
    await s3.client.send(new PutObjectCommand({ ...at, Body: 'two' }))
    const marker = await s3.client.send(new DeleteObjectCommand(at))
    expect(marker.DeleteMarker).toBe(true)
    expect(await failure(s3.client.send(new GetObjectCommand(at)))).toMatchObject({ name: 'NoSuchKey' })
    const old = await s3.client.send(new GetObjectCommand({ ...at, VersionId: one.VersionId }))
    expect(await old.Body?.transformToString()).toBe('one')
    const listed = await s3.client.send(new ListObjectVersionsCommand({ Bucket: 'versioned' }))
    expect(listed.Versions?.map((each) => each.IsLatest)).toEqual([false, false])
    expect(listed.DeleteMarkers?.map((each) => each.IsLatest)).toEqual([true])
    await s3.client.send(new DeleteObjectCommand({ ...at, VersionId: marker.VersionId }))
    const shown = await s3.client.send(new GetObjectCommand(at))
    expect(await shown.Body?.transformToString()).toBe('two')
  })

  test('versions page one by one', async () => {
    const seen: (string | undefined)[] = []
    let markers = {}
    for (;;) {
      const page = await s3.client.send(new ListObjectVersionsCommand({ Bucket: 'versioned', MaxKeys: 1, ...markers }))
      seen.push(...(page.Versions ?? []).map((each) => each.VersionId))
      if (!page.IsTruncated) break
      markers = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }
    }
    expect(new Set(seen).size).toBe(2)
  })

  test('several at once', async () => {
    for (const Key of ['x', 'y']) await put(Key, 'z')
    const answer = await s3.client.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'x' }, { Key: 'y' }, { Key: 'not there' }] } }),
    )
    expect(answer.Deleted?.map((each) => each.Key)).toEqual(['x', 'y', 'not there'])
    expect(await failure(get('x'))).toMatchObject({ name: 'NoSuchKey' })
  })
})
