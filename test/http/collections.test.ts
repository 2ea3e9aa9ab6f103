import { describe, expect, test } from '@jest/globals'
import { itemsOf, records, testClouds, textOf, type TestClouds } from './fixture.ts'

const settings = '/v1/collections/notes'
const first = { 'if-none-match': '*' }

async function mergingClouds(): Promise<TestClouds> {
  const clouds = await testClouds()
  const put = await clouds.aws.call('PUT', settings, { json: { conflicts: 'merge-fields' }, headers: first })
  expect(put.status).toBe(201)
  await clouds.sites.flush()
  return clouds
}

describe('collection settings', () => {
  test('the default is the last writer; what is set is the same at both sites', async () => {
    const { aws, azure, sites } = await testClouds()
    const before = await aws.call('GET', settings)
    expect([before.status, before.json, before.headers.get('etag')]).toEqual([
      200,
      { collection: 'notes', conflicts: 'last-writer' },
      null,
    ])
    const set = await aws.call('PUT', settings, { json: { conflicts: 'merge-fields' }, headers: first })
    expect([set.status, set.json['conflicts']]).toEqual([201, 'merge-fields'])
    await sites.flush()
    const there = await azure.call('GET', settings)
    expect(there.json).toEqual({ collection: 'notes', conflicts: 'merge-fields', etag: set.headers.get('etag') })
    const headers = { 'if-match': textOf(there.headers.get('etag')) }
    expect((await azure.call('PUT', settings, { json: { conflicts: 'last-writer' }, headers })).status).toBe(200)
    expect((await azure.call('PUT', settings, { json: { conflicts: 'last-writer' }, headers })).status).toBe(412)
  })

  test('nonsense, other policies, system collections and a write without a condition are refused', async () => {
    const { aws } = await testClouds()
    const put = async (path: string, json: unknown, headers: Record<string, string> = first) =>
      (await aws.call('PUT', path, { json, headers })).status
    expect(await put(settings, { conflicts: 'mine' })).toBe(400)
    expect(await put(settings, {})).toBe(400)
    expect(await put(settings, { conflicts: 'last-writer', more: 1 })).toBe(400)
    expect(await put(settings, { conflicts: 'last-writer' }, {})).toBe(428)
    expect(await put('/v1/collections/_keys', { conflicts: 'last-writer' })).toBe(404)
    expect(await put('/v1/collections/assets', { conflicts: 'last-writer' })).toBe(404)
    expect((await aws.call('GET', '/v1/collections/_keys')).status).toBe(404)
  })

  test('a row schema is kept with the settings, and refused when it leads outside or is too large', async () => {
    const { aws, azure, sites } = await testClouds()
    const rowSchema = { $ref: '#/$defs/row', $defs: { row: { required: ['id'] } } }
    const put = (schema: unknown, headers: Record<string, string> = first) =>
      aws.call('PUT', settings, { json: { conflicts: 'last-writer', rowSchema: schema }, headers })
    expect((await put(rowSchema)).json['rowSchema']).toEqual(rowSchema)
    await sites.flush()
    expect((await azure.call('GET', settings)).json['rowSchema']).toEqual(rowSchema)
    for (const schema of [
      { $ref: 'https://example.com/row.json' },
      { description: 'x'.repeat(70_000) },
      { $schema: 'urn:mine' },
      'row',
    ]) {
      const refused = await put(schema, { 'if-match': '*' })
      expect([refused.status, refused.json['code']]).toEqual([400, 'invalid-request'])
    }
  })

  test('merging by field is taken only while the other site answers and can do it', async () => {
    const { aws, sites } = await testClouds()
    const put = () => aws.call('PUT', settings, { json: { conflicts: 'merge-fields' }, headers: first })
    sites.connected = false
    expect((await put()).status).toBe(503)
    sites.connected = true
    const older = { site: 'azure', nowMs: sites.clock.now(), protocol: 1 }
    Object.assign(sites.aws.services.peer, { status: async () => older })
    expect((await put()).status).toBe(409)
    expect((await aws.call('GET', settings)).json['conflicts']).toBe('last-writer')
  })
})

describe('a collection that merges by field', () => {
  test('edits of different fields both live, an edit of the same field is a conflict of that field', async () => {
    const { aws, azure, sites } = await mergingClouds()
    const body = { title: 'draft', owner: { name: 'Ann', phone: '1' }, tags: ['a'] }
    await aws.call('PUT', `${records}/r`, { json: body, headers: first })
    await sites.flush()
    const headers = { 'if-match': '*' }
    await aws.call('PATCH', `${records}/r`, { json: { owner: { phone: '2' }, title: 'from aws' }, headers })
    await sites.clock.advance(5)
    await azure.call('PUT', `${records}/r`, { json: { ...body, tags: ['a', 'b'], title: 'from azure' }, headers })
    await sites.flush()
    for (const site of [aws, azure]) {
      expect((await site.call('GET', `${records}/r`)).json['body']).toEqual({
        title: 'from azure',
        owner: { name: 'Ann', phone: '2' },
        tags: ['a', 'b'],
      })
      expect(itemsOf(await site.call('GET', '/v1/conflicts'))).toMatchObject([
        { recordId: 'r', deleted: false, body: null, fields: [{ path: '/title', value: 'from aws' }] },
      ])
    }
  })

  test('a body that would not leave room for what the other site writes is too large', async () => {
    const { aws } = await mergingClouds()
    const json = { text: 'x'.repeat(200_000) }
    const put = await aws.call('PUT', `${records}/r`, { json, headers: first })
    expect([put.status, put.json['code']]).toEqual([413, 'too-large'])
    expect((await aws.call('PUT', '/v1/collections/other/records/r', { json, headers: first })).status).toBe(201)
  })
})
