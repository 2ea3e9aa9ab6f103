import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { Webhook } from 'standardwebhooks'
import { createAssetFromBytes, deleteAsset, patchAsset, restoreAsset } from '../../shared/core/assets.ts'
import { handleChanges } from '../../shared/core/feed.ts'
import { listTries } from '../../shared/core/webhook-log.ts'
import {
  createWebhook,
  getWebhook,
  patchWebhook,
  redeliver,
  rotateSecret,
  testWebhook,
} from '../../shared/core/webhooks.ts'
import { webhookEvents, type WebhookBody } from '../../shared/domain/webhook.ts'
import { ingestWorld, tenant, type IngestSite, type IngestWorld } from './ingest-world.ts'
import type { OutsideRequest } from './outside.ts'

const none = { precondition: { kind: 'none' } } as const
const photo = { name: 'boat.jpg', mediaType: 'image/jpeg' } as const
const url = 'https://example.com/hook'
const hourMs = 3_600_000

interface Sent {
  readonly id: string
  readonly type: string
  readonly asset: string
  readonly from: string
}

const sentBy = ({ headers, body, from }: OutsideRequest): Sent => {
  const { type, data } = JSON.parse(body ?? '') as { type: string; data: { id: string } }
  return { id: headers?.['webhook-id'] ?? '', type, asset: data.id, from }
}

describe('webhooks', () => {
  let world: IngestWorld
  let aws: IngestSite
  let azure: IngestSite
  let secret = ''
  let endpoint = ''
  /** What the endpoint answers; 200 unless told. */
  let status: (sent: Sent) => number = () => 200

  beforeEach(async () => {
    world = await ingestWorld()
    ;({ aws, azure } = world)
    status = () => 200
    world.outside.answer = (request) => new Response('said', { status: status(sentBy(request)) })
    const made = await createWebhook(aws.services, tenant, { url, events: webhookEvents, description: '' })
    secret = made.secret ?? ''
    endpoint = made.record.key.id
    await world.settle()
  })
  afterEach(() => world.close())

  const sent = (): Sent[] => world.outside.requests.map(sentBy)
  const types = (asset: string): string[] => sent().flatMap((each) => (each.asset === asset ? [each.type] : []))
  const bring = async (id: string, bytes = `picture ${id}`): Promise<void> => {
    await createAssetFromBytes(aws.services, tenant, { ...photo, id }, Buffer.from(bytes))
  }
  const waiting = (site: IngestSite): string[] =>
    site.siteStore.all().flatMap(({ partition, id }) => (partition.startsWith('webhook-queue/') ? [id] : []))
  const endpointAt = async (site: IngestSite): Promise<WebhookBody> =>
    (await getWebhook(site.services, tenant, endpoint)).body as WebhookBody

  test('an asset that becomes ready, changes, goes and comes back is told of once each, in order, from one site', async () => {
    await bring('boat')
    await world.settle()
    await world.clock.advance(10)
    await patchAsset(azure.services, tenant, 'boat', { labels: { a: '1' } }, none)
    await world.settle()
    await world.clock.advance(10)
    await deleteAsset(aws.services, tenant, 'boat', none)
    await world.settle()
    await world.clock.advance(10)
    await restoreAsset(azure.services, tenant, 'boat', none)
    await world.settle()
    await bring('bad', 'BAD picture')
    await world.pass(10)
    expect(types('boat')).toEqual(['asset.ready', 'asset.updated', 'asset.deleted', 'asset.updated'])
    expect(types('bad')).toEqual(['asset.failed'])
    expect(sent().map(({ from }) => from)).toEqual(['aws', 'aws', 'aws', 'aws', 'aws'])
    expect(new Set(sent().map(({ id }) => id)).size).toBe(5)
    expect([waiting(aws), waiting(azure)]).toEqual([[], []])
    const failed = world.outside.requests.find(({ body }) => body?.includes('asset.failed'))
    expect(JSON.parse(failed?.body ?? '')).toMatchObject({
      data: { id: 'bad', error: { code: 'invalid-media', detail: 'The picture ends in the middle.' } },
    })
  })

  test("what is sent is what Standard Webhooks' own library accepts, and nothing else", async () => {
    await world.clock.advance(Date.now() - world.clock.now())
    await bring('boat')
    await world.settle()
    const [request] = world.outside.requests
    const { body = '', headers = {} } = request ?? {}
    expect(new Webhook(secret).verify(body, { ...headers })).toMatchObject({
      type: 'asset.ready',
      data: { id: 'boat' },
    })
    expect(() => new Webhook(secret).verify(`${body} `, { ...headers })).toThrow()
    expect(() => new Webhook(`whsec_${Buffer.alloc(32).toString('base64')}`).verify(body, { ...headers })).toThrow()
  })

  test('for a day after a rotation both secrets verify, then the new one alone', async () => {
    await world.clock.advance(Date.now() - world.clock.now())
    const rotated = await rotateSecret(azure.services, tenant, endpoint)
    await world.settle()
    const verified = async (asset: string): Promise<boolean[]> => {
      await bring(asset)
      await world.settle()
      const { body = '', headers = {} } = world.outside.requests.at(-1) ?? {}
      return [secret, rotated.secret ?? ''].map((each) => {
        try {
          new Webhook(each).verify(body, { ...headers })
          return true
        } catch {
          return false
        }
      })
    }
    expect(await verified('one')).toEqual([true, true])
    // The library holds the time of sending against the machine's clock: only as far ahead as it lets through.
    world.clock.skew(24 * hourMs + 1_000)
    const { headers = {} } = (await verified('two'), world.outside.requests.at(-1)) ?? {}
    expect(headers['webhook-signature']?.split(' ')).toHaveLength(1)
  })

  test('no message of an asset is sent before the one before it; other assets go on', async () => {
    status = ({ type, asset }) => (type === 'asset.ready' && asset === 'boat' ? 500 : 200)
    await bring('boat')
    await world.settle()
    await world.clock.advance(10)
    await patchAsset(aws.services, tenant, 'boat', { name: 'b.jpg' }, none)
    await bring('other')
    await world.settle()
    await world.pass(5)
    expect(new Set(types('boat'))).toEqual(new Set(['asset.ready']))
    expect(types('boat').length).toBeGreaterThan(1)
    expect(types('other')).toEqual(['asset.ready'])
    status = () => 200
    await world.pass(30)
    expect(types('boat').slice(-2)).toEqual(['asset.ready', 'asset.updated'])
    expect(
      new Set(sent().flatMap(({ id, type, asset }) => (asset === 'boat' && type === 'asset.ready' ? [id] : []))).size,
    ).toBe(1)
    const { items } = await listTries(aws.services, tenant, endpoint, { limit: 100 })
    expect(items.filter(({ asset, outcome }) => asset === 'boat' && outcome === 'delivered')).toHaveLength(2)
    expect(items.find(({ outcome }) => outcome === 'failed')).toMatchObject({
      status: 500,
      error: 'It answered 500 said',
    })
  })

  test('when its home dies the other site delivers; when it is back it sends nothing twice', async () => {
    await bring('boat')
    await world.settle()
    const before = sent().length
    aws.isUp = false
    await patchAsset(azure.services, tenant, 'boat', { name: 'b.jpg' }, none)
    await world.pass(2)
    expect(sent().length).toBe(before)
    await world.pass(8)
    expect(sent().slice(before)).toMatchObject([{ type: 'asset.updated', from: 'azure' }])
    aws.isUp = true
    await world.pass(10)
    expect(sent().slice(before)).toHaveLength(1)
    expect([waiting(aws), waiting(azure)]).toEqual([[], []])
  })

  test('a message that the dead home had sent already bears the same id when the other site sends it', async () => {
    const put = aws.records.put.bind(aws.records)
    let isDead = false
    // The note that it was delivered never gets out.
    aws.records.put = async (state, ...rest) => {
      if (state.key.collection === '_webhook-lanes') {
        isDead = true
        throw new Error('the site died')
      }
      return put(state, ...rest)
    }
    await bring('boat')
    await world.settle()
    expect([isDead, sent().length]).toEqual([true, 1])
    aws.isUp = false
    await world.pass(10)
    expect(sent().map(({ from }) => from)).toEqual(['aws', 'azure'])
    expect(new Set(sent().map(({ id }) => id)).size).toBe(1)
  })

  test('changes that the feed brings again are not told again', async () => {
    const seen = [...aws.feed]
    await bring('boat')
    const first = [...aws.feed]
    await world.settle()
    for (const site of [aws, azure]) {
      for (const record of site.records.all()) await handleChanges(site.services, [record])
      await handleChanges(site.services, [...seen, ...first])
    }
    await world.pass(10)
    expect(types('boat')).toEqual(['asset.ready'])
  })

  test('a paused endpoint is sent what came meanwhile once it is resumed, from then on at its new home', async () => {
    await patchWebhook(aws.services, tenant, endpoint, { state: 'paused' }, none)
    await bring('boat')
    await world.settle()
    await world.clock.advance(10)
    await patchAsset(aws.services, tenant, 'boat', { name: 'b.jpg' }, none)
    await world.pass(30)
    expect(sent()).toEqual([])
    await patchWebhook(azure.services, tenant, endpoint, { state: 'active', home: 'azure' }, none)
    await world.settle()
    expect(sent().map(({ type, from }) => [type, from])).toEqual([
      ['asset.ready', 'azure'],
      ['asset.updated', 'azure'],
    ])
    await world.pass(10)
    expect(sent()).toHaveLength(2)
  })

  test('an endpoint that fails for days is tried ever more rarely, then given up, then disabled, and says so', async () => {
    status = () => 503
    await bring('boat')
    await world.settle()
    const pass = async (hours: number): Promise<void> => {
      for (let hour = 0; hour < hours; hour++) {
        await world.clock.advance(hourMs - 60_000)
        await world.pass(1)
      }
    }
    await pass(24)
    expect(sent().length).toBeGreaterThan(7)
    expect(sent().length).toBeLessThan(20)
    await pass(60)
    const tries = sent().length
    expect(tries).toBeLessThan(26)
    const { items } = await listTries(aws.services, tenant, endpoint, { limit: 100 })
    expect(items[0]).toMatchObject({ outcome: 'given-up', error: 'It answered 503 said' })
    expect((await endpointAt(azure)).state).toBe('active')
    await pass(40)
    await bring('late')
    await pass(2)
    expect(await endpointAt(azure)).toMatchObject({ state: 'disabled', disabledReason: 'Every try failed for 5 days.' })
    const last = sent().length
    status = () => 200
    await bring('later')
    await pass(10)
    expect(sent().length).toBe(last)
    await patchWebhook(azure.services, tenant, endpoint, { state: 'active' }, none)
    await pass(2)
    expect(
      sent()
        .slice(last)
        .map(({ asset }) => asset)
        .sort(),
    ).toEqual(['late', 'later'])
    expect(await endpointAt(aws)).not.toHaveProperty('disabledReason')
  })

  test('410 disables at once; a redirect is a failure like any other', async () => {
    status = ({ asset }) => (asset === 'moved' ? 302 : 410)
    await bring('moved')
    await world.settle()
    expect((await endpointAt(aws)).state).toBe('active')
    await bring('gone')
    await world.settle()
    expect(await endpointAt(aws)).toMatchObject({ state: 'disabled', disabledReason: 'It answered 410 Gone.' })
  })

  test('a trial is sent from where it was asked for; a message can be sent again with its own id', async () => {
    await patchWebhook(aws.services, tenant, endpoint, { state: 'paused' }, none)
    await world.settle()
    const trial = await testWebhook(azure.services, tenant, endpoint)
    await world.settle()
    expect(sent()).toMatchObject([{ id: trial.id, type: 'webhook.test', from: 'azure' }])
    await redeliver(azure.services, tenant, endpoint, trial.id)
    await world.settle()
    expect(sent().map(({ id }) => id)).toEqual([trial.id, trial.id])
    await expect(redeliver(aws.services, tenant, endpoint, trial.id)).rejects.toMatchObject({ code: 'not-found' })
  })

  test('nobody hears of what was before the endpoint, of other tenants, or of events it did not ask for', async () => {
    await createWebhook(aws.services, tenant, { url, events: ['asset.deleted'], description: '' })
    await createAssetFromBytes(aws.services, 't2', { ...photo, id: 'foreign' }, Buffer.from('x'))
    await world.settle()
    await bring('boat')
    await world.settle()
    expect(sent().map(({ asset }) => asset)).toEqual(['boat'])
    await world.clock.advance(60_000)
    await createWebhook(aws.services, tenant, { url, events: webhookEvents, description: '' })
    await world.settle()
    for (const record of aws.records.all()) await handleChanges(aws.services, [record])
    await world.settle()
    expect(sent().map(({ asset }) => asset)).toEqual(['boat'])
  })
})
