import { describe, expect, test } from '@jest/globals'
import type { JsonObject } from '../../shared/domain/json.ts'
import { itemsOf, testClouds, textOf, type TestClouds } from './fixture.ts'

const any = { 'if-match': '*' }
const create = { 'if-none-match': '*' }
const recordPath = (collection: string, id: string): string => `/v1/collections/${collection}/records/${id}`

/** Both sites write `aws`, then `azure`, over a record that both hold; null deletes. */
async function meet(
  { aws, azure, sites }: TestClouds,
  path: string,
  bodies: { readonly first?: JsonObject; readonly aws: JsonObject | null; readonly azure: JsonObject | null },
): Promise<void> {
  await aws.call('PUT', path, { json: bodies.first ?? { n: 0 }, headers: create })
  await sites.flush()
  for (const [site, json] of [[aws, bodies.aws] as const, [azure, bodies.azure] as const]) {
    const answer = await site.call(json ? 'PUT' : 'DELETE', path, { ...(json ? { json } : {}), headers: any })
    expect([200, 204]).toContain(answer.status)
    await sites.clock.advance(5)
  }
  await sites.flush()
}

async function conflicting(): Promise<TestClouds> {
  const clouds = await testClouds()
  const json = { conflicts: 'merge-fields' }
  expect((await clouds.aws.call('PUT', '/v1/collections/forms', { json, headers: create })).status).toBe(201)
  await clouds.sites.flush()
  return clouds
}

const onlyConflict = async ({ aws }: TestClouds): Promise<JsonObject> => {
  const items = itemsOf(await aws.call('GET', '/v1/conflicts'))
  expect(items).toHaveLength(1)
  return items[0] ?? {}
}

describe('the list of conflicts', () => {
  test('is of one collection, or of one record, when that is asked for', async () => {
    const clouds = await testClouds()
    for (const [collection, id] of [
      ['notes', 'a'],
      ['notes', 'b'],
      ['memos', 'a'],
    ] as const) {
      await meet(clouds, recordPath(collection, id), { aws: { from: 'aws' }, azure: { from: 'azure' } })
    }
    const listed = async (query: string): Promise<string[]> => {
      const items = itemsOf(await clouds.azure.call('GET', `/v1/conflicts${query}`))
      return items.map(({ collection, recordId }) => `${textOf(collection)}/${textOf(recordId)}`).sort()
    }
    expect(await listed('')).toEqual(['memos/a', 'notes/a', 'notes/b'])
    expect(await listed('?collection=notes')).toEqual(['notes/a', 'notes/b'])
    expect(await listed('?collection=notes&record=b')).toEqual(['notes/b'])
    expect(await listed('?collection=memos&record=b')).toEqual([])
    expect(await listed('?collection=none')).toEqual([])
  })

  test('goes on from page to page under its filter, and under no other', async () => {
    const clouds = await testClouds()
    for (const id of ['a', 'b', 'c', 'd', 'e']) {
      await meet(clouds, recordPath('notes', id), { aws: { from: 'aws' }, azure: { from: 'azure' } })
      await meet(clouds, recordPath('memos', id), { aws: { from: 'aws' }, azure: { from: 'azure' } })
    }
    const found: string[] = []
    let path: string | undefined = '/v1/conflicts?collection=notes&limit=2'
    let pages = 0
    while (path !== undefined && pages++ < 10) {
      const page = await clouds.aws.call('GET', path)
      expect(page.status).toBe(200)
      found.push(...itemsOf(page).map(({ collection, recordId }) => `${textOf(collection)}/${textOf(recordId)}`))
      const { next } = page.json
      path = typeof next === 'string' ? `/v1/conflicts?collection=notes&limit=2&cursor=${next}` : undefined
      if (path && pages === 1) {
        expect((await clouds.aws.call('GET', path.replace('=notes', '=memos'))).status).toBe(400)
      }
    }
    expect(found.sort()).toEqual(['a', 'b', 'c', 'd', 'e'].map((id) => `notes/${id}`))
    expect(pages).toBeGreaterThan(1)
  })

  test('cannot be asked for a record of no collection', async () => {
    const { aws } = await testClouds()
    const answer = await aws.call('GET', '/v1/conflicts?record=a')
    expect([answer.status, answer.json['code']]).toEqual([400, 'invalid-request'])
  })
})

describe('restoring what lost by field', () => {
  const path = recordPath('forms', 'r')
  const first = { title: 'draft', owner: { name: 'Ann', phone: '1' }, state: 'new' }
  const lost = { title: 'from aws', owner: { name: 'Bob', phone: '2' }, state: 'old' }
  const won = { title: 'from azure', owner: { name: 'Cid', phone: '3' }, state: 'open' }

  test('puts back the fields asked for, and a member inside of one, and closes the conflict', async () => {
    const clouds = await conflicting()
    await meet(clouds, path, { first, aws: lost, azure: won })
    const { id } = await onlyConflict(clouds)
    const fields = ['/title', '/owner/phone']
    const restored = await clouds.azure.call('POST', `/v1/conflicts/${textOf(id)}/restore`, { json: { fields } })
    expect([restored.status, restored.json['body']]).toEqual([
      200,
      { title: 'from aws', owner: { name: 'Cid', phone: '2' }, state: 'open' },
    ])
    await clouds.sites.flush()
    for (const site of [clouds.aws, clouds.azure]) {
      expect((await site.call('GET', path)).json['body']).toEqual(restored.json['body'])
      expect(itemsOf(await site.call('GET', '/v1/conflicts'))).toEqual([])
    }
  })

  test('refuses a field that did not lose, and leaves all as it is', async () => {
    const clouds = await conflicting()
    await meet(clouds, path, { first, aws: { ...first, title: 'from aws' }, azure: { ...first, title: 'from azure' } })
    const { id } = await onlyConflict(clouds)
    for (const fields of [['/state'], ['/title', '/owner'], ['/titles'], ['']]) {
      const answer = await clouds.aws.call('POST', `/v1/conflicts/${textOf(id)}/restore`, { json: { fields } })
      expect([answer.status, answer.json['code']]).toEqual([400, 'invalid-request'])
    }
    expect((await clouds.aws.call('GET', path)).json['body']).toEqual({ ...first, title: 'from azure' })
    await onlyConflict(clouds)
  })

  test('lets a record live again that was deleted, with what lay under it and the field', async () => {
    const clouds = await conflicting()
    await meet(clouds, path, { first, aws: { ...first, title: 'from aws' }, azure: null })
    expect((await clouds.aws.call('GET', path)).status).toBe(404)
    const conflict = await onlyConflict(clouds)
    expect(conflict).toMatchObject({ recordId: 'r', deleted: false, fields: [{ path: '/title', value: 'from aws' }] })
    const shown = await clouds.aws.call('GET', `/v1/conflicts/${textOf(conflict['id'])}`)
    expect(shown.json).toMatchObject({
      record: { deleted: true },
      diff: [{ path: '', lost: { ...first, title: 'from aws' } }],
    })
    const json = { fields: ['/title'] }
    const restored = await clouds.aws.call('POST', `/v1/conflicts/${textOf(conflict['id'])}/restore`, { json })
    expect([restored.status, restored.json['body']]).toEqual([201, { ...first, title: 'from aws' }])
    await clouds.sites.flush()
    expect((await clouds.azure.call('GET', path)).json['body']).toEqual({ ...first, title: 'from aws' })
    expect(itemsOf(await clouds.azure.call('GET', '/v1/conflicts'))).toEqual([])
  })

  test('a delete that lost has no fields, and deletes when it is restored', async () => {
    const clouds = await conflicting()
    await meet(clouds, path, { first, aws: null, azure: { ...first, title: 'from azure' } })
    const conflict = await onlyConflict(clouds)
    expect(conflict).toMatchObject({ deleted: true, body: null })
    const restore = `/v1/conflicts/${textOf(conflict['id'])}/restore`
    expect((await clouds.aws.call('POST', restore, { json: { fields: ['/title'] } })).status).toBe(400)
    expect((await clouds.aws.call('POST', restore)).status).toBe(204)
    await clouds.sites.flush()
    expect((await clouds.azure.call('GET', path)).status).toBe(404)
  })
})
