import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { createAssetFromBytes, patchAsset } from '../../shared/core/assets.ts'
import { handleChanges } from '../../shared/core/feed.ts'
import { runWebhookLane } from '../../shared/core/webhook-run.ts'
import { createWebhook } from '../../shared/core/webhooks.ts'
import { webhookEvents } from '../../shared/domain/webhook.ts'
import { ingestWorld, tenant, type IngestSite, type IngestWorld } from './ingest-world.ts'

describe('a lane that is held', () => {
  let world: IngestWorld
  let aws: IngestSite
  let run: () => Promise<void>

  beforeEach(async () => {
    world = await ingestWorld()
    ;({ aws } = world)
    world.outside.answer = () => new Response('said')
    const endpoint = { url: 'https://example.com/hook', events: webhookEvents, description: '' }
    const { record } = await createWebhook(aws.services, tenant, endpoint)
    const lane = { tenant, endpoint: record.key.id, asset: 'boat' }
    run = () => runWebhookLane(aws.services, aws.work, { lane, takeover: false }, new AbortController().signal)
    await world.settle()
  })
  afterEach(() => world.close())

  const bring = async (): Promise<void> => {
    const photo = { id: 'boat', name: 'boat.jpg', mediaType: 'image/jpeg' }
    await createAssetFromBytes(aws.services, tenant, photo, Buffer.from('picture'))
  }
  const types = (): string[] =>
    world.outside.requests.map(({ body }) => (JSON.parse(body ?? '') as { type: string }).type)

  test('is left by whoever else comes, who sends no message in his stead', async () => {
    const waiting: number[] = []
    world.outside.answer = async () => {
      for (let again = 0; again < 3; again++) {
        waiting.push((await aws.queue.depth()).waiting)
        await run()
      }
      return new Response('said')
    }
    await bring()
    await world.settle()
    expect(types()).toEqual(['asset.ready'])
    expect(waiting).toHaveLength(3)
    expect(new Set(waiting).size).toBe(1)
  })

  test('is looked into once more when it is let go, and what came meanwhile is sent', async () => {
    await bring()
    await world.settle()
    const remove = aws.siteStore.remove.bind(aws.siteStore)
    let came = false
    aws.siteStore.remove = async (partition, ...rest) => {
      if (partition.startsWith('webhook-leases/') && !came) {
        came = true
        await world.clock.advance(10)
        await patchAsset(aws.services, tenant, 'boat', { name: 'b.jpg' }, { precondition: { kind: 'none' } })
        await handleChanges(aws.services, aws.feed.splice(0))
        // The message that asks for it finds it held, and goes.
        expect(aws.queue.receive()?.message).toMatchObject({ kind: 'webhook' })
        await run()
      }
      return remove(partition, ...rest)
    }
    await run()
    expect(came).toBe(true)
    expect(types()).toEqual(['asset.ready', 'asset.updated'])
  })
})
