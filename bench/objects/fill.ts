import { createHash, randomBytes } from 'node:crypto'
import { forEachOf } from '../../shared/core/each.ts'
import { hashing } from '../../shared/domain/hashing.ts'
import type { ObjectStore } from '../../shared/ports/object-store.ts'

const { crc64, crc64Of } = await hashing
const atOnce = 24
const blockBytes = 2 ** 20
const mediaType = 'application/octet-stream'

/** `count` objects of `bytes` bytes each, as conversion leaves them. Their keys. */
export async function fillSmall(store: ObjectStore, tenant: string, count: number, bytes: number): Promise<string[]> {
  const keys: string[] = []
  await forEachOf(Array.from({ length: count }), atOnce, async () => {
    const body = randomBytes(bytes)
    const sha256 = createHash('sha256').update(body).digest('hex')
    const key = `objects/${tenant}/a${keys.length}/${sha256}`
    keys.push(key)
    await store.put(key, body, { mediaType, metadata: { sha256, crc64nvme: crc64Of(body) } })
  })
  return keys
}

/** One object of `bytes` bytes that repeat every few mebibytes, numbered so that parts in the wrong place show. Its key. */
export async function fillLarge(store: ObjectStore, tenant: string, bytes: number): Promise<string> {
  const block = randomBytes(blockBytes)
  const blocks = function* (): Generator<Buffer> {
    for (let at = 0; at < bytes; at += blockBytes) {
      block.writeDoubleLE(at)
      yield Buffer.from(block.subarray(0, Math.min(blockBytes, bytes - at)))
    }
  }
  const sha = createHash('sha256')
  const crc = crc64()
  for (const one of blocks()) {
    sha.update(one)
    crc.update(one)
  }
  const sha256 = sha.digest('hex')
  const key = `objects/${tenant}/large/${sha256}`
  const metadata = { sha256, crc64nvme: crc.hex() }
  await store.put(key, ReadableStream.from(blocks()) as ReadableStream<Uint8Array>, { mediaType, bytes, metadata })
  return key
}
