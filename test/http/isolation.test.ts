import { expect, test } from '@jest/globals'
import { writeRecord } from '../../shared/core/records.ts'
import type { JsonObject } from '../../shared/domain/json.ts'
import { itemsOf, records, testClouds, type Answer, type TestClouds, textOf } from './fixture.ts'

const methods = ['get', 'post', 'put', 'patch', 'delete']
/** What concerns the site and not a tenant: guarded by scopes of its own. */
const ofTheSite = ['/v1/replication', '/v1/health']

/** Whose ids are of another form. */
const idOf = [
  ['/v1/keys', 'key'],
  ['/v1/webhooks', 'webhook'],
] as const

/** One of everything, all of tenant acme. The same ids in `nowhere` name nothing. */
async function everything(clouds: TestClouds): Promise<Record<string, string>> {
  const { aws, sites } = clouds
  await aws.call('POST', '/v1/assets', { json: { id: 'photo', name: 'a.jpg', mediaType: 'image/jpeg' } })
  const made = await aws.call('PUT', `${records}/photo`, { json: { secret: 1 }, headers: { 'if-none-match': '*' } })
  const key = await aws.call('POST', '/v1/keys', { json: { name: 'k', scopes: ['records:read'] } })
  const conflict: JsonObject = {
    collection: 'notes',
    recordId: 'photo',
    stamp: textOf(made.json['version']),
    deleted: false,
    body: { secret: 2 },
    createdMs: 1,
  }
  const conflictKey = { tenant: 'acme', collection: '_conflicts', id: 'photo' }
  await writeRecord(aws.services, conflictKey, { precondition: { kind: 'none' } }, () => conflict)
  await sites.flush()
  const hook = await aws.call('POST', '/v1/webhooks', { json: { url: 'https://example.com/secret' } })
  const message = textOf((await aws.call('POST', `/v1/webhooks/${textOf(hook.json['id'])}/test`)).json['id'])
  return {
    collection: 'notes',
    version: textOf(made.json['version']),
    name: 'tiny',
    key: textOf(key.json['id']),
    token: 'x'.repeat(60),
    file: 'hls.m3u8',
    preset: 'thumb',
    webhook: textOf(hook.json['id']),
    message,
  }
}

interface Operation {
  readonly method: string
  readonly path: string
}

async function operations({ aws }: TestClouds): Promise<Operation[]> {
  const document = await aws.call('GET', '/openapi.json')
  return Object.entries(document.json['paths'] as JsonObject).flatMap(([path, item]) =>
    methods
      .filter((method) => Object.hasOwn(item as JsonObject, method))
      .map((method) => ({ method: method.toUpperCase(), path })),
  )
}

function send(
  { aws }: TestClouds,
  { method, path }: Operation,
  key: string,
  params: Record<string, string>,
): Promise<Answer> {
  const id = params[idOf.find(([prefix]) => path.startsWith(prefix))?.[1] ?? 'id']
  const url = path.replaceAll(/\{(.+?)\}/g, (_, name: string) => (name === 'id' ? id : params[name]) ?? '')
  const query = path.endsWith('/table-definition') ? '?engine=athena&name=t&store=s3://bucket' : ''
  const hasBody = ['PUT', 'PATCH'].includes(method)
  const headers = { 'if-match': '*' }
  const json = path.startsWith('/v1/webhooks') ? { description: 'taken over' } : { name: 'taken over' }
  return aws.call(method, `${url}${query}`, { key, headers, ...(hasBody ? { json } : {}) })
}

const withoutInstance = (answer: Answer): unknown => ({ status: answer.status, ...answer.json, instance: '' })

test("another tenant's resource cannot be told from one that does not exist", async () => {
  const clouds = await testClouds()
  const params = { ...(await everything(clouds)), id: 'photo' }
  const nowhere = { ...params, id: 'nothing', key: '000000000000', webhook: '0'.repeat(26) }
  const named = (await operations(clouds)).filter(
    ({ path }) => path.includes('{id}') && !ofTheSite.some((prefix) => path.startsWith(prefix)),
  )
  expect(named.length).toBeGreaterThan(18)
  const states = JSON.stringify(clouds.sites.aws.records.all().filter(({ key }) => key.tenant === 'acme'))
  for (const operation of named) {
    const foreign = await send(clouds, operation, clouds.keys.other, params)
    const absent = await send(clouds, operation, clouds.keys.other, nowhere)
    expect([operation, withoutInstance(foreign)]).toEqual([operation, withoutInstance(absent)])
    // A PUT could have created it, so there it is the precondition that fails.
    expect([operation, foreign.status]).toEqual([operation, operation.method === 'PUT' ? 412 : 404])
    expect(foreign.text).not.toMatch(/secret|a\.jpg/)
  }
  expect(JSON.stringify(clouds.sites.aws.records.all().filter(({ key }) => key.tenant === 'acme'))).toBe(states)
})

test('the owner reaches what the other tenant cannot', async () => {
  const clouds = await testClouds()
  const params = { ...(await everything(clouds)), id: 'photo' }
  const reads = (await operations(clouds)).filter(
    ({ method, path }) =>
      method === 'GET' && path.includes('{id}') && !ofTheSite.some((prefix) => path.startsWith(prefix)),
  )
  // What the definition of a table says to its owner is asked where there is one.
  for (const operation of reads.filter(({ path }) => !path.endsWith('/table-definition'))) {
    const own = await send(clouds, operation, clouds.keys.acme, params)
    // The asset has no bytes yet, and the tenant no presets.
    const expected = /content|renditions|playback|images\/{id}$/.test(operation.path) ? 409 : 200
    if (operation.path.endsWith('{preset}')) continue
    expect([operation, own.status]).toEqual([operation, expected])
  }
})

test('lists show the own tenant alone', async () => {
  const clouds = await testClouds()
  await everything(clouds)
  await clouds.sites.clock.advance(5000)
  for (const path of ['/v1/assets', records, '/v1/conflicts', '/v1/changes']) {
    expect([path, itemsOf(await clouds.aws.call('GET', path)).length > 0]).toEqual([path, true])
    expect([path, itemsOf(await clouds.aws.call('GET', path, { key: clouds.keys.other }))]).toEqual([path, []])
  }
  const keyIds = itemsOf(await clouds.aws.call('GET', '/v1/keys', { key: clouds.keys.other })).map(({ id }) => id)
  expect(keyIds).toEqual([clouds.keys.other.split('_')[1]])
})

test('every operation but the public ones needs a key, and names its scope', async () => {
  const clouds = await testClouds()
  const params = { ...(await everything(clouds)), id: 'photo', kind: 'records', date: '2026-01-01' }
  const powerless = await clouds.keyWith([])
  for (const operation of await operations(clouds)) {
    if (operation.path.startsWith('/v1/health')) continue
    // An address for players holds its grant itself: this one is made up, and no key makes it a better one.
    const isSealed = operation.path.startsWith('/v1/playback/')
    const anonymous = await send(clouds, operation, '', params)
    const scopeless = await send(clouds, operation, powerless, params)
    expect([operation, anonymous.status, scopeless.status]).toEqual(
      isSealed ? [operation, 404, 404] : [operation, 401, 403],
    )
  }
})
