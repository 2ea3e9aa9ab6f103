import { type Site, sites } from '../../shared/domain/site.ts'
import type { Api } from '../tour/api.ts'
import { until } from '../tour/until.ts'
import type { Receiver } from './receiver.ts'
import type { Thing } from './things.ts'

interface Message {
  readonly type: string
  readonly data: { readonly id: string }
}

const toldMsMax = 120_000

/** Has both sites tell the receiver, each by an endpoint of its own, that an asset is ready or deleted. */
export async function subscribe(apis: Readonly<Record<Site, Api>>, { url }: Receiver): Promise<void> {
  for (const site of sites) {
    const json = { url: `${url}/${site}`, events: ['asset.ready', 'asset.deleted'] }
    await apis[site].call('POST', '/v1/webhooks', { json, status: 201 })
  }
}

/**
 * Waits until both endpoints were told of each asset that it is ready, and of those that are deleted now that they are;
 * gives what they were not told.
 */
export async function untilTold({ received }: Receiver, things: readonly Thing[]): Promise<string[]> {
  const owed = things
    .filter(({ sha256 }) => sha256 !== undefined)
    .flatMap(({ id, text }) => [`asset.ready ${id}`, ...(text === undefined ? [`asset.deleted ${id}`] : [])])
    .flatMap((subject) => sites.map((site) => `/hook/${site} ${subject}`))
  let missing: string[] = []
  const told = async (): Promise<boolean> => {
    const known = new Set(received.map(({ path, body }) => `${path} ${subjectOf(body)}`))
    missing = owed.filter((name) => !known.has(name))
    return missing.length === 0
  }
  await until('every asset told of', told, { timeoutMs: toldMsMax, everyMs: 500 }).catch(() => undefined)
  return missing
}

/** What an endpoint was told more than once. */
export function toldTwice({ received }: Receiver): string[] {
  const messages = received.map(
    ({ path, headers, body }) => `${path} ${subjectOf(body)} ${headers['webhook-id'] ?? ''}`,
  )
  return messages.filter((message, at) => messages.indexOf(message) < at)
}

function subjectOf(body: string): string {
  const { type, data } = JSON.parse(body) as Message
  return `${type} ${data.id}`
}
