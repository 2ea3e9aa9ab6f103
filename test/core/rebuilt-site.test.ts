import { expect, test } from '@jest/globals'
import { listConflicts } from '../../shared/core/conflicts.ts'
import { handleChanges } from '../../shared/core/feed.ts'
import { readRecord } from '../../shared/core/record-reads.ts'
import { writeRecord } from '../../shared/core/records.ts'
import { mediaKey, objectKeyOf } from '../../shared/domain/asset.ts'
import { sha256Hex } from '../../shared/domain/hash.ts'
import { twoSites } from './two-sites.ts'

test('a site that lost everything fetches its own objects from the peer', async () => {
  const sites = twoSites()
  const { aws, azure } = sites
  const bytes = Buffer.from('a picture')
  const objectKey = objectKeyOf('t1', 'a1', sha256Hex(bytes))
  const media = { status: 'ready', version: 'v1', job: 'j1', site: 'aws', objectKey, properties: {}, renditions: [] }
  await writeRecord(aws.services, mediaKey('t1', 'a1'), { precondition: { kind: 'none' } }, () => media)
  await handleChanges(aws.services, aws.feed.splice(0))
  expect((await aws.services.jobs.depth()).waiting).toBe(0)

  aws.records.load([])
  await handleChanges(
    azure.services,
    azure.records.all().map((record) => ({ ...record, via: 'client' })),
  )
  await sites.flush()
  expect(aws.records.all()).toHaveLength(1)
  expect((await aws.services.jobs.depth()).waiting).toBe(1)
})

const key = { tenant: 't1', collection: 'notes', id: 'n1' }
const unasked = { precondition: { kind: 'none' } } as const

/** Both sites hold `lost`; then AWS goes back to before it, told so by its operator. */
async function goneBack() {
  const sites = twoSites()
  const { aws } = sites
  await writeRecord(aws.services, key, unasked, () => ({ text: 'old' }))
  await sites.flush()
  const backup = aws.records.all()
  const lost = await writeRecord(aws.services, key, unasked, () => ({ text: 'lost' }))
  await sites.flush()
  aws.records.load(backup)
  return { sites, lost: lost.record, services: { ...aws.services, incarnation: 1 } }
}

test('what a site lost when it went back to a backup is kept, though it wrote on before it heard of it', async () => {
  const { sites, services } = await goneBack()
  const { aws, azure } = sites
  await writeRecord(services, key, unasked, () => ({ text: 'first' }))
  await writeRecord(services, key, unasked, () => ({ text: 'second' }))
  // A feed that coalesces shows the newest alone, which stands on one that the peer never sees.
  aws.feed.splice(0, aws.feed.length - 1)
  await sites.flush()
  for (const site of [aws, azure]) {
    expect((await site.records.get(key))?.body).toEqual({ text: 'second' })
  }
  expect(await azure.records.get(key)).toMatchObject({ vector: (await aws.records.get(key))?.vector })
  const { items } = await listConflicts(azure.services, 't1', { limit: 10 })
  expect(items).toMatchObject([{ recordId: 'n1', body: { text: 'lost' } }])
})

test('what it lost comes back by itself where nobody has written since', async () => {
  const { sites, lost, services } = await goneBack()
  const { aws, azure } = sites
  const session = { session: lost.vector }
  expect((await readRecord(services, key, session))?.body).toEqual({ text: 'lost' })
  expect((await aws.records.get(key))?.vector).toEqual((await azure.records.get(key))?.vector)
  expect((await listConflicts(services, 't1', { limit: 10 })).items).toEqual([])
})
