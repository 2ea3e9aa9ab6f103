import { expect, test } from '@jest/globals'
import { writeMedia } from '../../shared/core/media-store.ts'
import type { MediaBody } from '../../shared/domain/asset.ts'
import { itemsOf, testClouds } from './fixture.ts'

const path = '/v1/assets/table/profile-checks'

test('a check is begun at the site that is asked, and what it found is read at both', async () => {
  const { aws, azure, keys, keyWith, sites } = await testClouds()
  expect((await aws.call('POST', path)).status).toBe(404)
  await aws.call('POST', '/v1/assets', { json: { id: 'table', name: 'a.csv', mediaType: 'text/csv' } })
  const early = await aws.call('POST', path)
  expect([early.status, early.json['code']]).toEqual([404, 'not-found'])
  const media: MediaBody = {
    status: 'ready',
    version: 'v1',
    job: 'j',
    site: 'aws',
    properties: { columns: [] },
    renditions: [],
    rows: { collection: 'data-table', count: 0, errors: 0 },
  }
  await writeMedia(aws.services, 'acme', 'table', () => media)
  const begun = await aws.call('POST', path)
  expect([begun.status, begun.json]).toEqual([202, { site: 'aws', version: 'v1', state: 'waiting' }])
  await sites.flush()
  expect(itemsOf(await azure.call('GET', path))).toEqual([{ site: 'aws', version: 'v1', state: 'waiting' }])
  expect((await azure.call('GET', path, { key: keys.other })).status).toBe(404)
  expect((await azure.call('POST', path, { key: keys.other })).status).toBe(404)
  const reader = await keyWith(['assets:read'])
  expect((await azure.call('POST', path, { key: reader })).status).toBe(403)
  expect((await azure.call('GET', path, { key: reader })).status).toBe(200)
})
