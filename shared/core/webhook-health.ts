import type { JsonObject } from '../domain/json.ts'
import { backoffMs } from '../replication/backoff.ts'
import type { Services } from './services.ts'

/** How an endpoint does, as this site sees it. Absent while all goes well. */
export interface WebhookHealth {
  /** Tries in a row that failed. */
  readonly failures: number
  readonly failingSinceMs: number
  /** Until then it is left alone. */
  readonly restUntilMs: number
  readonly lastError: string
}

const partition = 'webhook-health'
const failuresFree = 5
const rest = { baseMs: 20_000, capMs: 600_000 }
/** An endpoint that failed without a break for this long is disabled. */
export const failingMsMax = 5 * 24 * 3_600_000

const idOf = (tenant: string, endpoint: string): string => `${tenant}/${endpoint}`

export async function readHealth(
  services: Services,
  tenant: string,
  endpoint: string,
): Promise<WebhookHealth | undefined> {
  const item = await services.siteStore.get(partition, idOf(tenant, endpoint))
  return item?.value as unknown as WebhookHealth | undefined
}

export async function noteFailure(
  services: Services,
  tenant: string,
  endpoint: string,
  lastError: string,
): Promise<WebhookHealth> {
  const known = await readHealth(services, tenant, endpoint)
  const nowMs = services.clock.now()
  const failures = (known?.failures ?? 0) + 1
  const over = failures - failuresFree
  // Half of it for sure, so that a thousand waiting messages do not each knock at a door that is closed.
  const restMs = over <= 0 ? 0 : rest.baseMs + backoffMs(over, services.random.fraction(), rest)
  const health = {
    failures,
    failingSinceMs: known?.failingSinceMs ?? nowMs,
    restUntilMs: nowMs + restMs,
    lastError: lastError.slice(0, 300),
  }
  const value: JsonObject = { ...health }
  await services.siteStore.put({ partition, id: idOf(tenant, endpoint), value }, { kind: 'any' })
  return health
}

export const noteSuccess = async (services: Services, tenant: string, endpoint: string): Promise<void> =>
  void (await services.siteStore.remove(partition, idOf(tenant, endpoint)))
