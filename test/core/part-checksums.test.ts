import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { completeUpload, createAsset, getAsset } from '../../shared/core/assets.ts'
import { assertOnce } from '../../shared/core/upload-parts.ts'
import { uploadPlan } from '../../shared/core/uploads.ts'
import { hashing } from '../../shared/domain/hashing.ts'
import { ingestWorld, tenant, type IngestWorld } from './ingest-world.ts'

const { crc64Of } = await hashing
const partBytes = 5 * 2 ** 20
const content = Buffer.alloc(partBytes + 9, 'catamaran ')
const slice = (part: number): Uint8Array => content.subarray((part - 1) * partBytes, part * partBytes)
const about = {
  name: 'a.bin',
  mediaType: 'application/octet-stream',
  bytes: content.length,
  upload: 'multipart',
} as const

let world: IngestWorld
beforeEach(async () => {
  world = await ingestWorld()
})
afterEach(() => world.close())

test('a client that says the CRC of each part is told it after a crash, and no other bytes get in', async () => {
  const { services, objects } = world.aws
  const { asset, upload } = await createAsset(services, tenant, { ...about, partBytes, partChecksums: 'crc64nvme' })
  expect(upload).toMatchObject({ kind: 'multipart', parts: 2, requests: [] })
  await expect(uploadPlan(services, tenant, asset.id, { parts: [1] })).rejects.toMatchObject({
    code: 'invalid-request',
  })
  const send = async (part: number, body: Uint8Array): Promise<number> => {
    const plan = await uploadPlan(services, tenant, asset.id, { parts: [part], crcs: [crc64Of(slice(part))] })
    if (plan.kind !== 'multipart') throw new Error(plan.kind)
    const { url = '', headers = {} } = plan.requests[0]?.request ?? {}
    return (await objects.fetch(url, { method: 'PUT', headers: { ...headers }, body })).status
  }
  expect(await send(1, slice(2))).toBe(400)
  expect(await send(1, slice(1))).toBe(200)
  expect(await uploadPlan(services, tenant, asset.id)).toMatchObject({
    arrived: [{ part: 1, bytes: partBytes, crc64nvme: crc64Of(slice(1)) }],
    requests: [],
  })
  expect(await send(2, slice(2))).toBe(200)
  await completeUpload(services, tenant, asset.id)
  await world.settle()
  expect(await getAsset(services, tenant, asset.id)).toMatchObject({ status: 'ready', bytes: content.length })
})

test('checksums for an upload without them are refused, as is a part that came as two', async () => {
  const { services } = world.aws
  const { asset } = await createAsset(services, tenant, about)
  const asked = { parts: [1], crcs: [crc64Of(slice(1))] }
  await expect(uploadPlan(services, tenant, asset.id, asked)).rejects.toMatchObject({ code: 'invalid-request' })
  const part = { part: 1, bytes: 1, etag: '"a"' }
  expect(() => assertOnce([part, { ...part, etag: '"b"' }])).toThrow('Part 1 came with different bytes')
  expect(() => assertOnce([part, { ...part, part: 2 }])).not.toThrow()
})
