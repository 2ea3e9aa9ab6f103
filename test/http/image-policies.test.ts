import { expect, test } from '@jest/globals'
import { itemsOf, testClouds, textOf } from './fixture.ts'

const path = '/v1/image-policies/shop'
const create = { 'if-none-match': '*' }
const policy = {
  presets: { thumb: { w: 200, h: 200, crop: 'smart' }, hero: { w: 1600, q: 70 } },
  prepare: ['thumb'],
  widths: [400, 800],
  location: 'show',
}

test('a policy is set, read at both sites, changed and removed', async () => {
  const { aws, azure, sites } = await testClouds()
  expect((await aws.call('GET', path)).status).toBe(404)
  expect((await aws.call('PUT', path, { json: policy })).status).toBe(428)
  const made = await aws.call('PUT', path, { json: policy, headers: create })
  expect([made.status, made.json]).toEqual([
    201,
    { name: 'shop', etag: made.headers.get('etag'), animation: 'keep', public: false, ...policy },
  ])
  expect((await aws.call('PUT', path, { json: policy, headers: create })).status).toBe(412)
  await sites.flush()
  const there = await azure.call('GET', path)
  expect([there.status, there.json]).toEqual([200, made.json])
  expect(itemsOf(await azure.call('GET', '/v1/image-policies'))).toEqual([made.json])
  const etag = textOf(there.headers.get('etag'))
  expect((await azure.call('GET', path, { headers: { 'if-none-match': etag } })).status).toBe(304)
  const changed = await azure.call('PUT', path, { json: { animation: 'still' }, headers: { 'if-match': etag } })
  expect([changed.status, changed.json['animation'], changed.json['presets']]).toEqual([200, 'still', {}])
  const late = await aws.call('DELETE', path, { headers: { 'if-match': '"other"' } })
  expect(late.status).toBe(412)
  expect((await azure.call('DELETE', path, { headers: { 'if-match': '*' } })).status).toBe(204)
  expect((await azure.call('GET', path)).status).toBe(404)
})

test('another tenant has policies of its own', async () => {
  const { aws, keys } = await testClouds()
  await aws.call('PUT', path, { json: policy, headers: create })
  const other = { key: keys.other }
  expect((await aws.call('GET', path, other)).status).toBe(404)
  expect(itemsOf(await aws.call('GET', '/v1/image-policies', other))).toEqual([])
  expect((await aws.call('DELETE', path, { ...other, headers: { 'if-match': '*' } })).status).toBe(404)
  expect((await aws.call('PUT', path, { ...other, json: {}, headers: create })).status).toBe(201)
})

test.each([
  ['a preset that is not there', { prepare: ['thumb'] }, '/prepare'],
  ['a side that is too large', { presets: { a: { w: 4097 } } }, '/presets/a/w'],
  ['a preset without a proper name', { presets: { 'A b': { w: 10 } } }, '/presets/A b'],
  ['an unknown parameter', { presets: { a: { rotate: 90 } } }, '/presets/a/rotate'],
  ['a watermark that is no asset', { presets: { a: { watermark: '../logo' } } }, '/presets/a/watermark'],
  ['widths that fall', { widths: [800, 400] }, '/widths'],
  ['too many widths', { widths: [16, 17, 18, 19, 20, 21, 22, 23, 24] }, '/widths'],
  [
    'fifty-one presets',
    { presets: Object.fromEntries(Array.from({ length: 51 }, (_, at) => [`p${at}`, {}])) },
    '/presets',
  ],
])('%s is refused', async (_, json, pointer) => {
  const { aws } = await testClouds()
  const answer = await aws.call('PUT', path, { json, headers: create })
  expect([answer.status, answer.json['code']]).toEqual([400, 'invalid-request'])
  expect(answer.json['errors']).toEqual(expect.arrayContaining([expect.objectContaining({ pointer, in: 'body' })]))
})
