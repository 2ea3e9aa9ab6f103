import { describe, expect, test } from '@jest/globals'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { until } from '../../../local/tour/until.ts'
import { sendDirect } from '../assets-tools.ts'
import { type Pair, peerSite, sites, unique } from '../pair.ts'

interface Received {
  readonly headers: Record<string, string>
  readonly body: string
}

/** A server that keeps what it is sent; the first messages it refuses. */
async function receiver(refusals: number): Promise<{ url: string; received: Received[]; close: () => Promise<void> }> {
  const received: Received[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      received.push({ headers: request.headers as Record<string, string>, body: Buffer.concat(chunks).toString() })
      response.writeHead(received.length <= refusals ? 503 : 204).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
  return { url, received, close: () => new Promise((resolve) => server.close(() => resolve())) }
}

export function webhooksSuite(pair: () => Pair): void {
  describe.each(sites)('webhooks at %s', (site) => {
    test('an asset brought in at the other site is told of once, signed, and again when it was refused', async () => {
      // To be tried again takes its time, and is the same code at both.
      const refusals = site === 'aws' ? 1 : 0
      const { url, received, close } = await receiver(refusals)
      const [here, there] = [pair().apis[site], pair().apis[peerSite(site)]]
      try {
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
      } finally {
        await close()
      }
    }, 180_000)
  })
}
