import { describe, expect, test } from '@jest/globals'
import { Webhook } from 'standardwebhooks'
import { type Received, startReceiver } from '../../../local/drill/receiver.ts'
import { until } from '../../../local/tour/until.ts'
import { sendDirect } from '../assets-tools.ts'
import { type Pair, peerSite, sites, unique } from '../pair.ts'

export function webhooksSuite(pair: () => Pair): void {
  describe.each(sites)('webhooks at %s', (site) => {
    test('an asset brought in at the other site is told of once, signed, and again when it was refused', async () => {
      // To be tried again takes its time, and is the same code at both.
      const refusals = site === 'aws' ? 1 : 0
      await using receiver = await startReceiver(refusals)
      const { url, received } = receiver
      const [here, there] = [pair().apis[site], pair().apis[peerSite(site)]]
      const made = await here.call<{ id: string; secret: string; etag: string }>('POST', '/v1/webhooks', {
        json: { url, events: ['asset.ready', 'asset.deleted'] },
        status: 201,
      })
      const { id, secret, etag } = made.body
      const asset = await sendDirect(there, unique('told.txt'), 'some words', 'text/plain')
      const told = (): Received[] => received.filter(({ body }) => body.includes(asset.id))
      await until('a message that was taken', async () => (told().length > refusals ? true : undefined), {
        timeoutMs: 120_000,
        seen: () => received,
      })
      const [first, taken] = [told()[0], told().at(-1)]
      const message = new Webhook(secret).verify(taken?.body ?? '', taken?.headers ?? {})
      expect(message).toMatchObject({ type: 'asset.ready', data: { id: asset.id, status: 'ready' } })
      expect([first?.headers['webhook-id'], first?.body]).toEqual([taken?.headers['webhook-id'], taken?.body])
      const delivered = async () => {
        const { items } = await here.get<{ items: { outcome: string; site: string }[] }>(
          `/v1/webhooks/${id}/deliveries`,
        )
        return items.length > refusals ? items.map((each) => [each.outcome, each.site]) : undefined
      }
      const outcomes = refusals > 0 ? ['delivered', 'failed'] : ['delivered']
      expect(await until('the deliveries', delivered, { timeoutMs: 30_000 })).toEqual(
        outcomes.map((outcome) => [outcome, site]),
      )
      await here.call('DELETE', `/v1/webhooks/${id}`, { headers: { 'if-match': etag }, status: 204 })
      expect(told()).toHaveLength(1 + refusals)
    }, 180_000)
  })
}
