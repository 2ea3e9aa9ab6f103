import { describe, expect, test } from '@jest/globals'
import type { JsonObject } from '../../shared/domain/json.ts'
import { records, testClouds, type TestClouds } from './fixture.ts'

const path = '/v1/replication/breaker'
const reason = 'somebody looked at it'
const hourMs = 3_600_000

async function settledClouds(count: number): Promise<TestClouds> {
  const clouds = await testClouds()
  for (let index = 0; index < count; index++) {
    await clouds.aws.call('PUT', `${records}/r${index}`, { json: { index }, headers: { 'if-none-match': '*' } })
  }
  await clouds.sites.flush()
  await clouds.sites.clock.advance(25 * hourMs)
  return clouds
}

async function deleteAll({ azure, sites }: TestClouds, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    await azure.call('DELETE', `${records}/r${index}`, { headers: { 'if-match': '*' } })
  }
  await sites.flush()
}

const statusesAt = async ({ aws }: TestClouds, count: number): Promise<number[]> =>
  Promise.all(Array.from({ length: count }, async (_, index) => (await aws.call('GET', `${records}/r${index}`)).status))
const scopesIn = (json: JsonObject): JsonObject[] => (json['incoming'] as JsonObject)['scopes'] as JsonObject[]

async function reconcileBoth({ aws, azure, sites }: TestClouds): Promise<void> {
  for (let time = 0; time < 3; time++) {
    await sites.clock.advance(60_000)
    await aws.call('POST', '/v1/replication/reconcile')
    await azure.call('POST', '/v1/replication/reconcile')
    await sites.flush()
  }
}

describe('the breaker through the API', () => {
  test('trips, shows what it holds, and rejection brings everything back at both sites', async () => {
    const clouds = await settledClouds(60)
    await deleteAll(clouds, 60)
    const shown = (await clouds.aws.call('GET', path)).json
    const acme = scopesIn(shown).find(({ tenant }) => tenant === 'acme')
    expect(acme).toMatchObject({
      lastHour: { settled: 50 },
      limits: { settled: 50, recent: 500 },
      frozen: { by: 'limit', holds: ['settled'] },
      held: { offers: 10 },
    })
    expect(acme).toMatchObject({ frozen: { since: expect.stringMatching(/^2026-/) } })
    expect((await clouds.azure.call('GET', path)).json).toMatchObject({ outgoing: { frozen: true } })
    const rejected = await clouds.aws.call('POST', `${path}/reject`, { json: { reason, tenant: 'acme' } })
    expect([rejected.status, scopesIn(rejected.json).find(({ tenant }) => tenant === 'acme')]).toMatchObject([
      200,
      { frozen: null, verdict: { kind: 'reject', reason } },
    ])
    await reconcileBoth(clouds)
    expect(new Set(await statusesAt(clouds, 60))).toEqual(new Set([200]))
    expect((await clouds.azure.call('GET', `${records}/r59`)).status).toBe(200)
  })

  test('one person freezes, and what was held comes after the release', async () => {
    const clouds = await settledClouds(3)
    expect((await clouds.aws.call('POST', `${path}/freeze`, { json: { reason } })).status).toBe(200)
    await deleteAll(clouds, 3)
    expect(await statusesAt(clouds, 3)).toEqual([200, 200, 200])
    const released = await clouds.aws.call('POST', `${path}/release`, { json: { reason } })
    expect(released.json).toMatchObject({ incoming: { frozen: false } })
    await reconcileBoth(clouds)
    expect(await statusesAt(clouds, 3)).toEqual([404, 404, 404])
    const again = await clouds.aws.call('POST', `${path}/release`, { json: { reason } })
    expect([again.status, again.json['code']]).toEqual([409, 'conflict'])
  })

  test('a mass delete that is announced passes uncounted', async () => {
    const clouds = await settledClouds(60)
    const announced = await clouds.aws.call('POST', `${path}/release`, {
      json: { reason, tenant: 'acme', forMinutes: 30 },
    })
    expect(announced.status).toBe(200)
    await clouds.sites.clock.advance(20 * 60_000)
    await deleteAll(clouds, 60)
    expect(new Set(await statusesAt(clouds, 60))).toEqual(new Set([404]))
  })

  test('who may only look may not decide, and no decision goes without a reason', async () => {
    const { aws, keyWith } = await testClouds()
    const reader = await keyWith(['replication:read'])
    expect((await aws.call('GET', path, { key: reader })).status).toBe(200)
    for (const verb of ['freeze', 'release', 'reject']) {
      expect((await aws.call('POST', `${path}/${verb}`, { key: reader, json: { reason } })).status).toBe(403)
      for (const json of [{}, { reason: ' no ' }, { reason, tenant: '../x' }, { reason, more: 1 }]) {
        expect((await aws.call('POST', `${path}/${verb}`, { json })).status).toBe(400)
      }
    }
    expect((await aws.call('GET', path, { key: await keyWith(['records:read']) })).status).toBe(403)
  })
})
