import { expect, test } from '@jest/globals'
import { handleChanges } from '../../shared/core/feed.ts'
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
