import { expect, test } from '@jest/globals'
import { cutParts, eachAtOnce, partBytesMin, partBytesOf } from '../../shared/adapters/part-stream.ts'
import { mapError as mapAws } from '../../aws/adapters/errors.ts'
import { mapError as mapAzure } from '../../azure/adapters/errors.ts'
import { streamOf } from '../memory/streams.ts'
import { patterned } from './object-fixtures.ts'

test('10,000 parts hold what is announced, and 400 GiB of unknown length, in parts of at most 80 MiB', () => {
  for (const bytes of [1, 100 * 2 ** 30, 5 * 2 ** 40])
    expect(partBytesOf(1, bytes, 10_000) * 10_000).toBeGreaterThanOrEqual(bytes)
  let total = 0
  for (let part = 1; part <= 10_000; part++) total += partBytesOf(part, undefined, 10_000)
  expect(total).toBeGreaterThan(400 * 2 ** 30)
  expect(partBytesOf(10_000, undefined, 10_000)).toBe(10 * partBytesMin)
})

test('parts have exactly the sizes asked for, whatever the pieces', async () => {
  for (const pieceBytes of [1, 7, 10, 100]) {
    const parts: Buffer[] = []
    const stream = streamOf(patterned(64), pieceBytes)
    for await (const part of cutParts(stream, (number) => 10 * number, {})) parts.push(Buffer.from(part))
    expect(parts.map(({ length }) => length)).toEqual([10, 20, 30, 4])
    expect(Buffer.concat(parts)).toEqual(Buffer.from(patterned(64)))
  }
})

test('at most so many at once; the first failure stops the rest', async () => {
  let running = 0
  let most = 0
  let begun = 0
  const work = async (item: number): Promise<void> => {
    begun += 1
    running += 1
    most = Math.max(most, running)
    await new Promise((resolve) => setTimeout(resolve, 1))
    running -= 1
    if (item === 5) throw new Error('five')
  }
  await expect(
    eachAtOnce(
      Array.from({ length: 50 }, (_, n) => n),
      3,
      work,
    ),
  ).rejects.toThrow('five')
  expect(most).toBe(3)
  expect(begun).toBeLessThan(10)
  expect(running).toBe(0)
})

test('faults of both SDKs get the same codes', () => {
  const cases = [
    [{ name: 'ThrottlingException' }, { code: 429 }, 'throttled'],
    [
      { name: 'ValidationException', message: 'Item size has exceeded the maximum allowed size' },
      { code: 413 },
      'too-large',
    ],
    [
      { name: 'AccessDenied', $metadata: { httpStatusCode: 403 } },
      { statusCode: 403, code: 'AuthorizationFailure' },
      'internal',
    ],
    [{ name: 'InternalServerError', $metadata: { httpStatusCode: 500 } }, { code: 503 }, 'unavailable'],
    [{ name: 'Error', code: 'ECONNREFUSED' }, { name: 'RestError', code: 'REQUEST_SEND_ERROR' }, 'unavailable'],
    [{ name: 'NoSuchKey' }, { statusCode: 404, code: 'BlobNotFound' }, 'not-found'],
    [{ name: 'TimeoutError' }, { name: 'TimeoutError' }, 'timed-out'],
    [undefined, undefined, 'unavailable'],
  ] as const
  for (const [aws, azure, code] of cases) {
    expect(mapAws(aws, 'x').code).toBe(code)
    expect(mapAzure(azure, 'x').code).toBe(code)
  }
  const own = mapAws({ name: 'NoSuchKey' }, 'x')
  expect(mapAzure(own, 'y')).toBe(own)
  expect(mapAzure({ code: 429, retryAfterInMs: 120 }, 'x').details.retryAfterMs).toBe(120)
})
