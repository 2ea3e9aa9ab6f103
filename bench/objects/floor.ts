import { randomBytes } from 'node:crypto'
import { forEachOf } from '../../shared/core/each.ts'
import { hashing } from '../../shared/domain/hashing.ts'
import type { ObjectStore } from '../../shared/ports/object-store.ts'

const partBytes = 8 * 2 ** 20
const partsAtOnce = 4

/**
 * Seconds that a server alone needs to take in so many bytes, or to hand out the bytes of `key`: nothing is hashed, nothing
 * is read for it. No copy between the two servers can be quicker than the slower of them.
 */
export async function secondsToTakeIn(store: ObjectStore, bytes: number): Promise<number> {
  const { crc64Of } = await hashing
  const body = randomBytes(partBytes)
  const part = { kind: 'bytes', bytes: body, crc64nvme: crc64Of(body) } as const
  const key = `objects/bench/floor/${'0'.repeat(64)}`
  const { uploadId } = await store.startMultipart(key, {
    mediaType: 'application/octet-stream',
    withChecksums: true,
  })
  const began = performance.now()
  await forEachOf(numbers(bytes / partBytes), partsAtOnce, async (n) => {
    await store.putPart({ key, uploadId }, n + 1, part)
  })
  const seconds = (performance.now() - began) / 1000
  await store.abortMultipart({ key, uploadId })
  return seconds
}

/** Read several ranges at once, and thrown away. */
export async function secondsToHandOut(store: ObjectStore, key: string, bytes: number): Promise<number> {
  const began = performance.now()
  await forEachOf(numbers(bytes / partBytes), partsAtOnce, async (n) => {
    const first = n * partBytes
    const body = await store.get(key, { first, last: Math.min(bytes, first + partBytes) - 1 })
    await body?.stream.pipeTo(new WritableStream())
  })
  return (performance.now() - began) / 1000
}

const numbers = (count: number): number[] => Array.from({ length: Math.max(1, Math.ceil(count)) }, (_, n) => n)
