import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { createAssetFromBytes } from '../../shared/core/assets.ts'
import { readProfileChecks, requestProfileCheck } from '../../shared/core/profile-check.ts'
import { writeRecord } from '../../shared/core/records.ts'
import { rowsCollection } from '../../shared/domain/asset.ts'
import { mediaConverter } from '../../shared/media/converter.ts'
import { faultsOf, ingestWorld, tenant, type IngestWorld } from './ingest-world.ts'

let world: IngestWorld
beforeEach(async () => {
  world = await ingestWorld({ converter: mediaConverter({ ffmpeg: undefined }) })
})
afterEach(() => world.close())

const create = async (name: string, mediaType: string, content: string): Promise<string> => {
  const made = await createAssetFromBytes(world.aws.services, tenant, { name, mediaType }, Buffer.from(content))
  await world.settle()
  return made.asset.id
}

const table = [
  'zip,name,2020,price,when,empty',
  ...Array.from({ length: 900 }, (_, n) =>
    n % 100 === 3 ? 'bad' : `0${n},"Köln ""${n}""",${n},${n % 7 === 0 ? '' : n / 3},2024-01-0${1 + (n % 9)},`,
  ),
].join('\n')

const events = Array.from({ length: 900 }, (_, n) =>
  JSON.stringify({
    z: n % 50 === 0 ? -0 : n * 1.1,
    b: { y: n, a: [n] },
    ...(n % 2 === 0 && { later: null }),
    a: `text ${n % 30}`,
  }),
).join('\n')

test.each([
  ['towns.csv', 'text/csv', table, 891],
  ['events.ndjson', 'application/x-ndjson', events, 900],
] as const)('the profile of %s from the rows of either site is that of the file', async (name, type, content, rows) => {
  const id = await create(name, type, content)
  for (const site of [world.aws, world.azure]) {
    expect(await requestProfileCheck(site.services, tenant, id)).toMatchObject({ state: 'waiting' })
  }
  await world.settle()
  for (const site of [world.aws, world.azure]) {
    const checks = await readProfileChecks(site.services, tenant, id)
    expect(checks.map((check) => [check.site, check.state, check.rows, check.equal])).toEqual([
      ['aws', 'done', rows, true],
      ['azure', 'done', rows, true],
    ])
  }
  expect(faultsOf(world)).toEqual([])
})

test('one edited row, and one that is gone, are noticed', async () => {
  const id = await create('towns.csv', 'text/csv', table)
  const check = async () => {
    await requestProfileCheck(world.azure.services, tenant, id)
    await world.settle()
    const [found] = await readProfileChecks(world.azure.services, tenant, id)
    return [found?.rows, found?.equal]
  }
  const key = { tenant, collection: rowsCollection(id), id: '0000000005' }
  const { record } = await writeRecord(world.azure.services, key, { precondition: { kind: 'exists' } }, (body) => ({
    ...body,
    price: 1e6,
  }))
  expect(record.body?.['price']).toBe(1e6)
  expect(await check()).toEqual([891, false])
  await writeRecord(world.azure.services, key, { precondition: { kind: 'exists' } }, () => null)
  expect(await check()).toEqual([890, false])
})

test('an asset without rows, and one that is not there, cannot be checked', async () => {
  const id = await create('note.txt', 'text/plain', 'Dear all, the boat leaves at nine.')
  await expect(requestProfileCheck(world.aws.services, tenant, id)).rejects.toMatchObject({ code: 'conflict' })
  await expect(requestProfileCheck(world.aws.services, tenant, 'none')).rejects.toMatchObject({ code: 'not-found' })
})
