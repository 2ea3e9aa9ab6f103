import { CatamaranError } from '../domain/errors.ts'
import type { JsonObject } from '../domain/json.ts'
import type { Page, PageRequest } from '../ports/page.ts'
import type { Services } from './services.ts'
import type { QueuedMessage } from './webhook-queue.ts'

/** A try that was made by this site. */
export interface WebhookTry {
  readonly id: string
  readonly type: string
  readonly asset: string
  readonly attempt: number
  /** Milliseconds since 1970, and how long it took. */
  readonly atMs: number
  readonly tookMs: number
  readonly outcome: 'delivered' | 'failed' | 'given-up'
  /** What the endpoint answered, if it did. */
  readonly status?: number
  readonly error?: string
  /** For sending it again. */
  readonly text: string
  readonly order: string
}

const keptMs = 14 * 24 * 3_600_000
const partitionOf = (tenant: string, endpoint: string): string => `webhook-log/${tenant}/${endpoint}`

export async function logTry(services: Services, tenant: string, endpoint: string, tried: WebhookTry): Promise<void> {
  const id = `${String(tried.atMs).padStart(15, '0')}/${tried.id}`
  const value = { ...tried } as unknown as JsonObject
  const expiresMs = tried.atMs + keptMs
  await services.siteStore.put({ partition: partitionOf(tenant, endpoint), id, value, expiresMs }, { kind: 'any' })
}

/** The tries of the last two weeks, the latest first. `after` is the cursor the last page gave. */
export async function listTries(
  services: Services,
  tenant: string,
  endpoint: string,
  page: PageRequest,
): Promise<Page<WebhookTry & { readonly cursor: string }>> {
  const found = await services.siteStore.list(partitionOf(tenant, endpoint), { ...page, descending: true })
  const items = found.items.map(({ id, value }) => ({ ...(value as unknown as WebhookTry), cursor: id }))
  return found.next === undefined ? { items } : { items, next: found.next }
}

const lookedAtMax = 1_000

/** A message that was tried lately. Throws `not-found`. */
export async function triedMessage(
  services: Services,
  tenant: string,
  endpoint: string,
  id: string,
): Promise<{ readonly asset: string; readonly message: QueuedMessage }> {
  const { items } = await listTries(services, tenant, endpoint, { limit: lookedAtMax })
  const found = items.find((each) => each.id === id)
  if (!found) throw new CatamaranError('not-found', 'This site has not tried such a message lately; ask the other one.')
  const nowMs = services.clock.now()
  const { type, text, asset, order } = found
  return { asset, message: { id, type, text, order, queuedMs: nowMs, attempts: 0, dueMs: 0, byHand: true } }
}
