import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { createAssetFromBytes, getAsset } from '../../shared/core/assets.ts'
import { collectionKey } from '../../shared/core/collections.ts'
import { runJob } from '../../shared/core/jobs.ts'
import { listRecords } from '../../shared/core/record-reads.ts'
import { writeRecord } from '../../shared/core/records.ts'
import { rowsCollection } from '../../shared/domain/asset.ts'
import type { JsonObject } from '../../shared/domain/json.ts'
import { mediaConverter } from '../../shared/media/converter.ts'
import { dying } from './crash.ts'
import { faultsOf, ingestWorld, tenant, type IngestSite, type IngestWorld } from './ingest-world.ts'

let world: IngestWorld
beforeEach(async () => {
  world = await ingestWorld({ converter: mediaConverter({ ffmpeg: undefined }) })
})
afterEach(() => world.close())

const never = new AbortController().signal
const once = { precondition: { kind: 'none' } } as const

const create = async (text: string, labels: Record<string, string> = {}): Promise<string> => {
  const input = { name: 'towns.csv', mediaType: 'text/csv', labels }
  return (await createAssetFromBytes(world.aws.services, tenant, input, Buffer.from(text))).asset.id
}
const setSchema = (collection: string, rowSchema: JsonObject) =>
  writeRecord(world.aws.services, collectionKey(tenant, collection), once, () => ({
    conflicts: 'last-writer',
    rowSchema,
  }))
const rowsAt = async (site: IngestSite, id: string) =>
  (await listRecords(site.services, { tenant, collection: rowsCollection(id) }, { limit: 1_000 })).items

test('rows are held to the schema of the collection that the label names, or of their own', async () => {
  await setSchema('towns', { required: ['size'], properties: { size: { type: 'integer', maximum: 50 } } })
  const text = 'name,size\nOne,1\nTwo,\nThree,99\nFour,4\n'
  const id = await create(text, { 'row-schema': 'towns' })
  await world.settle()
  const view = await getAsset(world.azure.services, tenant, id)
  expect(view).toMatchObject({ status: 'ready', rows: { count: 2, errors: 2 }, properties: { validated: true } })
  const errors = view?.renditions.find(({ name }) => name === 'errors')
  expect(errors?.properties).toEqual({ count: 2, listed: 2 })
  const kept = (await rowsAt(world.azure, id)).map(({ key, body }) => [key.id, body])
  expect(kept).toEqual([
    ['0000000001', { name: 'One', size: 1 }],
    ['0000000004', { name: 'Four', size: 4 }],
  ])
  expect(faultsOf(world)).toEqual([])

  await setSchema(rowsCollection('mine'), { properties: { size: { type: 'string' } } })
  const input = { id: 'mine', name: 'towns.csv', mediaType: 'text/csv', labels: { 'row-schema': 'towns' } }
  await createAssetFromBytes(world.aws.services, tenant, input, Buffer.from(text))
  await world.settle()
  expect(await getAsset(world.aws.services, tenant, 'mine')).toMatchObject({ rows: { count: 4, errors: 0 } })
  expect((await rowsAt(world.aws, 'mine'))[0]?.body).toEqual({ name: 'One', size: '1' })
})

test('a schema that cannot be used fails the asset with the reason', async () => {
  await setSchema('towns', { properties: { size: { $ref: 'https://127.0.0.1:9/size.json' } } })
  const id = await create('name,size\nOne,1\nTwo,2\n', { 'row-schema': 'towns' })
  await world.settle()
  expect(await getAsset(world.azure.services, tenant, id)).toMatchObject({
    status: 'failed',
    error: { code: 'invalid-media', detail: expect.stringContaining('only references within it') },
  })
})

const lines = Array.from({ length: 700 }, (_, n) => (n % 50 === 7 ? 'short' : `${n},town ${n}`))
const content = ['id,name', ...lines].join('\n')

test('a process that dies anywhere leaves rows that the next one makes whole, and doing it twice changes nothing', async () => {
  const id = await create(content)
  const message = world.aws.queue.receive()?.message
  if (!message) throw new Error('no job')
  for (const [index, call] of [14, 25, 30, 36].entries()) {
    const { services, hasDied } = dying(world.aws.services, { call, when: index % 2 === 0 ? 'before' : 'after' })
    await runJob(services, world.aws.work, message, never).catch(() => undefined)
    expect(hasDied()).toBe(true)
    // The lease of the dead one ends.
    await world.clock.advance(61_000)
  }
  await world.pass(5)
  const view = await getAsset(world.azure.services, tenant, id)
  expect(view).toMatchObject({ status: 'ready', rows: { count: 686, errors: 14 } })
  const first = await rowsAt(world.aws, id)
  expect(first.map(({ key, body }) => [Number(key.id) - 1, body?.['id']])).toEqual(
    lines.flatMap((line, n) => (line === 'short' ? [] : [[n, n]])),
  )
  // The same file once more, as after a dead letter is replayed.
  await world.aws.services.jobs.send({ ...message, payload: { ...message.payload, reopen: true } })
  await world.pass(3)
  expect(await rowsAt(world.aws, id)).toEqual(first)
  expect(faultsOf(world)).toEqual([])
})

test('a schema that was changed on the way begins the rows again', async () => {
  const id = await create(`id,name\n${Array.from({ length: 4_500 }, (_, n) => `${n},t`).join('\n')}`)
  const putMany = world.aws.records.putMany.bind(world.aws.records)
  let rows = 0
  Object.assign(world.aws.services.records, {
    putMany: async (...args: Parameters<typeof putMany>) => {
      const before = rows
      rows += args[0].filter(({ state }) => state.key.collection === rowsCollection(id)).length
      if (before < 3_000 && rows >= 3_000) throw new Error('store down')
      return putMany(...args)
    },
  })
  await world.settle()
  await setSchema(rowsCollection(id), { properties: { id: { maximum: 999 } } })
  await world.pass(3)
  expect(await getAsset(world.azure.services, tenant, id)).toMatchObject({
    status: 'ready',
    rows: { count: 1_000, errors: 3_500 },
  })
  expect((await rowsAt(world.azure, id)).length).toBe(1_000)
})
