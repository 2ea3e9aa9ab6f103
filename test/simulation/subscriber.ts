import { mediaKey, type MediaBody } from '../../shared/domain/asset.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import { keyText } from '../../shared/domain/record.ts'
import { sites, type Site } from '../../shared/domain/site.ts'
import { stampMs } from '../../shared/domain/stamp.ts'
import type { Outbound } from '../../shared/ports/outbound.ts'
import { tenant } from './client.ts'
import { request } from './request.ts'
import type { World } from './world.ts'

/** What a subscriber outside of both clouds was told of assets that are ready. */
export interface Heard {
  /** How often a message came, and about which asset, by the message's id. */
  readonly messages: Map<string, { readonly asset: string; times: number }>
  /** From when on everything has to be told, on the clock of the endpoint's home; undefined while there is no endpoint. */
  sinceMs?: number
}

const endpoint = {
  id: 'subscriber',
  url: 'https://subscriber.test/',
  events: ['asset.ready'],
  description: '',
} as const
const onceAgainMs = 2_000
/** Two clocks may be so far apart. */
const clocksApartMsMax = 660_000
const clocksAlikeMs = 1_000

/** Asks one of the sites to be told, while others bring assets already. */
export async function subscribe(world: World): Promise<void> {
  const { scheduler, streams, profile, ledger, sites: all } = world
  if (!profile.webhooks) return
  const home = streams.visits.of(sites)
  const idempotency = { key: 'subscribe', print: 'subscribe' }
  for (;;) {
    const outcome = await request(world, home, (services, code) =>
      code.createWebhook(services, tenant, endpoint, idempotency),
    )
    if (outcome.kind === 'answered') {
      ledger.heard.sinceMs = all[home].now() + (profile.clockFaults ? clocksApartMsMax : clocksAlikeMs)
      return
    }
    await scheduler.delay(onceAgainMs, 'the subscriber asks again')
  }
}

/** The way from a site to the subscriber, who is away now and then, or whose answer gets lost. */
export const outboundOf = ({ scheduler, streams, mark, faultsOn, ledger }: World, site: Site): Outbound => ({
  request: async (_url, { headers, body }) => {
    await scheduler.delay(20, `${site} tells the subscriber`)
    if (faultsOn() && streams.visits.oneIn(6)) {
      mark('subscriber was away')
      return answer(503)
    }
    hear(ledger.heard, headers?.['webhook-id'] ?? '', JSON.parse(body ?? '{}') as Message)
    if (!faultsOn() || !streams.visits.oneIn(6)) return answer(204)
    mark('answer of the subscriber lost')
    throw new CatamaranError('timed-out', 'simulated: the subscriber did not answer')
  },
})

const answer = (status: number): Awaited<ReturnType<Outbound['request']>> => ({
  status,
  headers: {},
  body: new ReadableStream({ start: (controller) => controller.close() }),
})

interface Message {
  readonly data?: { readonly id?: string }
}

function hear({ messages }: Heard, id: string, { data }: Message): void {
  const known = messages.get(id)
  if (known) known.times++
  else messages.set(id, { asset: data?.id ?? '', times: 1 })
}

/** 6. What was published once is told under one id, however often, and once alone when nothing fails. */
export function toldTwice({ ledger, profile }: World): string[] {
  const { messages } = ledger.heard
  const published = new Set(publishedAssets(ledger.objects))
  const ids = Map.groupBy(messages, ([, { asset }]) => asset)
  const events = [...ids].filter(([asset, told]) => published.has(asset) && told.length > 1)
  const again = [...messages].filter(([, { times }]) => profile.isCalm && times > 1)
  return [
    ...events.map(([asset, told]) => `6: that ${asset} is ready was told as ${told.length} events`),
    ...again.map(([id, { asset, times }]) => `6: ${id} about ${asset} was told ${times} times, though nothing failed`),
  ]
}

/** 6. What was published since the endpoint is known is told. After days nobody is told of what is no news. */
export function* untold({ ledger, profile, sites: { aws } }: World): Generator<string> {
  const { sinceMs, messages } = ledger.heard
  if (sinceMs === undefined || profile.longOutage || profile.rebuild !== 'none') return
  const told = new Set([...messages.values()].map(({ asset }) => asset))
  for (const asset of publishedAssets(ledger.objects)) {
    const media = aws.latest.get(keyText(mediaKey(tenant, asset)))
    const isReady = (media?.body as MediaBody | null | undefined)?.status === 'ready'
    if (media && isReady && stampMs(media.stamp) >= sinceMs && !told.has(asset))
      yield `6: nobody was told that ${asset} is ready`
  }
}

/** From `objects/TENANT/ASSET/SHA-256`. */
const publishedAssets = (objects: ReadonlyMap<string, string>): string[] =>
  [...objects.keys()].map((key) => key.split('/')[2] ?? '')
