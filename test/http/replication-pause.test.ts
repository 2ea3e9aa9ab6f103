import { expect, test } from '@jest/globals'
import { ways } from '../../shared/ports/peer.ts'
import { records, testClouds } from './fixture.ts'

const json = { reason: 'a bad deployment' }

test.each(ways)('%s is paused with a reason, shown with who asked, and resumed', async (way) => {
  const { aws, sites, keys } = await testClouds()
  const paused = await aws.call('POST', `/v1/replication/${way}/pause`, { json })
  expect([paused.status, paused.json]).toMatchObject([200, { way, paused: true, reason: json.reason }])
  expect(paused.json['by']).toBe(keys.acme.split('_')[1])
  const since = new Date(sites.clock.now()).toISOString()
  expect(paused.json['since']).toBe(since)
  const shown = async () => ((await aws.call('GET', '/v1/replication')).json[way] as object) ?? {}
  expect(await shown()).toMatchObject({ paused: { atMs: sites.clock.now(), reason: json.reason } })
  await sites.clock.advance(5000)
  const again = await aws.call('POST', `/v1/replication/${way}/pause`, { json: { reason: 'still' } })
  expect(again.json).toMatchObject({ since, reason: 'still' })
  for (let times = 0; times < 2; times++) {
    const resumed = await aws.call('POST', `/v1/replication/${way}/resume`)
    expect([resumed.status, resumed.json]).toEqual([200, { way, paused: false }])
  }
  expect(await shown()).toMatchObject({ paused: null })
})

test('it takes the scope, a reason, and a way that there is', async () => {
  const { aws, keyWith } = await testClouds()
  const key = await keyWith(['replication:read'])
  expect((await aws.call('POST', '/v1/replication/incoming/pause', { json, key })).status).toBe(403)
  expect((await aws.call('POST', '/v1/replication/incoming/resume', { key })).status).toBe(403)
  for (const wrong of [{}, { reason: ' ' }, { reason: 'x'.repeat(501) }, { reason: 'x', more: 1 }]) {
    expect((await aws.call('POST', '/v1/replication/incoming/pause', { json: wrong })).status).toBe(400)
  }
  expect((await aws.call('POST', '/v1/replication/sideways/pause', { json })).status).toBe(404)
})

test('while incoming is paused, a session that has seen more is told to come back', async () => {
  const { aws, azure, sites } = await testClouds()
  await azure.call('POST', '/v1/replication/incoming/pause', { json })
  // Every other instance knows within a second.
  await sites.clock.advance(1000)
  const written = await aws.call('PUT', `${records}/a`, {
    json: { n: 1 },
    headers: { 'if-none-match': '*', prefer: 'durability=both' },
  })
  expect([written.status, written.headers.get('preference-applied')]).toEqual([201, null])
  const session = written.headers.get('catamaran-session') ?? ''
  const read = await azure.call('GET', `${records}/a`, { headers: { 'catamaran-session': session } })
  expect([read.status, read.json['code'], read.headers.get('retry-after')]).toEqual([503, 'replication-paused', '30'])
})
