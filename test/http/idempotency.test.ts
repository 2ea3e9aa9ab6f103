import { expect, test } from '@jest/globals'
import { itemsOf, records, testClouds } from './fixture.ts'

const key = { 'idempotency-key': 'order 17/a' }
const replayed = 'idempotency-replayed'

test('a repeated POST finds what the first one made, at both sites', async () => {
  const { aws, azure, sites, keys } = await testClouds()
  const first = await aws.call('POST', records, { json: { n: 1 }, headers: key })
  const again = await aws.call('POST', records, { json: { n: 1 }, headers: key })
  expect([first.status, first.headers.get(replayed)]).toEqual([201, null])
  expect([again.status, again.headers.get(replayed), again.json]).toEqual([200, 'true', first.json])
  const before = await azure.call('POST', records, { json: { n: 1 }, headers: key })
  expect([before.status, before.json['id']]).toEqual([201, first.json['id']])
  await sites.flush()
  const after = await azure.call('POST', records, { json: { n: 1 }, headers: key })
  expect([after.status, after.headers.get(replayed)]).toEqual([200, 'true'])
  for (const site of [aws, azure]) expect(itemsOf(await site.call('GET', records))).toHaveLength(1)
  const other = await aws.call('POST', records, { key: keys.other, json: { n: 1 }, headers: key })
  expect([other.status, other.json['id'] === first.json['id']]).toEqual([201, false])
})

test('the same key for another request is refused', async () => {
  const { aws } = await testClouds()
  await aws.call('POST', records, { json: { n: 1 }, headers: key })
  const reused = await aws.call('POST', records, { json: { n: 2 }, headers: key })
  expect([reused.status, reused.json['code']]).toEqual([422, 'idempotency-key-reused'])
  expect(itemsOf(await aws.call('GET', records)).map((each) => each['body'])).toEqual([{ n: 1 }])
})

test('PUT, PATCH, DELETE and restore repeat harmlessly, even when others wrote between', async () => {
  const { aws } = await testClouds()
  const path = `${records}/a`
  const send = (method: string, json: object | undefined, headers: object) =>
    aws.call(method, path, { json, headers: { ...headers, 'idempotency-key': method } })
  const put = await send('PUT', { n: 1 }, { 'if-none-match': '*' })
  const patch = await send('PATCH', { m: 1 }, { 'if-match': put.headers.get('etag') })
  const patchAgain = await send('PATCH', { m: 1 }, { 'if-match': put.headers.get('etag') })
  expect([patch.status, patchAgain.status, patchAgain.headers.get(replayed)]).toEqual([200, 200, 'true'])
  const putAgain = await send('PUT', { n: 1 }, { 'if-none-match': '*' })
  expect([putAgain.status, putAgain.headers.get(replayed)]).toEqual([200, 'true'])
  expect(putAgain.json['body']).toEqual({ n: 1, m: 1 })
  const gone = await send('DELETE', undefined, { 'if-match': '*' })
  const goneAgain = await send('DELETE', undefined, { 'if-match': '*' })
  expect([gone.status, goneAgain.status, goneAgain.headers.get(replayed)]).toEqual([204, 204, 'true'])
  const late = await send('PUT', { n: 1 }, { 'if-none-match': '*' })
  expect([late.status, late.json['code']]).toEqual([410, 'gone'])
  const restore = () => aws.call('POST', `${path}/restore`, { headers: { 'idempotency-key': 'r' } })
  expect([(await restore()).status, (await restore()).headers.get(replayed)]).toEqual([201, 'true'])
})

test('a key must be 1 to 255 printable characters', async () => {
  const { aws } = await testClouds()
  for (const bad of ['x'.repeat(256), 'tab\there', 'é']) {
    const answer = await aws.call('POST', records, { json: {}, headers: { 'idempotency-key': bad } })
    expect([answer.status, answer.json['code']]).toEqual([400, 'invalid-request'])
  }
  expect((await aws.call('POST', records, { json: {}, headers: { 'idempotency-key': 'x'.repeat(255) } })).status).toBe(
    201,
  )
})

test('assets and keys made twice are one', async () => {
  const { aws } = await testClouds()
  const asset = { name: 'a.jpg', mediaType: 'image/jpeg' }
  const [one, two] = [
    await aws.call('POST', '/v1/assets', { json: asset, headers: key }),
    await aws.call('POST', '/v1/assets', { json: asset, headers: key }),
  ]
  expect([one.status, two.status, two.headers.get(replayed)]).toEqual([201, 200, 'true'])
  expect(two.headers.get('location')).toBe(one.headers.get('location'))
  const direct = {
    body: 'a,b\n1,2\n',
    headers: { ...key, 'content-type': 'text/csv', 'x-asset-name': 'd.csv', 'idempotency-key': 'd' },
  }
  expect([
    (await aws.call('POST', '/v1/assets', direct)).status,
    (await aws.call('POST', '/v1/assets', direct)).status,
  ]).toEqual([202, 200])
  const changed = await aws.call('POST', '/v1/assets', { ...direct, body: 'a,b\n1,3\n' })
  expect([changed.status, changed.json['code']]).toEqual([422, 'idempotency-key-reused'])
  expect(itemsOf(await aws.call('GET', '/v1/assets'))).toHaveLength(2)
  const mint = () => aws.call('POST', '/v1/keys', { json: { name: 'k', scopes: ['records:read'] }, headers: key })
  const [made, again] = [await mint(), await mint()]
  expect([made.status, typeof made.json['key']]).toEqual([201, 'string'])
  expect([again.status, again.json['key'], again.json['id']]).toEqual([200, undefined, made.json['id']])
})
