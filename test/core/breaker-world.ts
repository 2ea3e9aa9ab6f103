import { breakerView } from '../../shared/core/breaker-view.ts'
import { reconcile } from '../../shared/core/reconcile.ts'
import { stateOf } from '../../shared/core/record-history.ts'
import { writeRecord } from '../../shared/core/records.ts'
import type { Services } from '../../shared/core/services.ts'
import type { JsonObject } from '../../shared/domain/json.ts'
import type { RecordState, StoredRecord } from '../../shared/domain/record.ts'
import { formatStamp, type Stamp } from '../../shared/domain/stamp.ts'
import type { OfferOutcome } from '../../shared/ports/peer.ts'
import { twoSites, type TwoSites } from './two-sites.ts'

export const hourMs = 3_600_000
export const dayMs = 24 * hourMs
export const none = { precondition: { kind: 'none' } } as const
export const decision = { by: 'key1', reason: 'a test' }

export const keyOf = (index: number, tenant = 'acme') => ({ tenant, collection: 'notes', id: `r${index}` })
export const indexes = (count: number, from = 0): number[] => Array.from({ length: count }, (_, index) => from + index)

export async function write(
  services: Services,
  count: number,
  body: JsonObject | null,
  tenant?: string,
): Promise<void> {
  for (const index of indexes(count)) await writeRecord(services, keyOf(index, tenant), none, () => body)
}

/** Both sites hold `count` records of a tenant, which have rested for a day. */
export async function settled(count: number, tenants: readonly string[] = ['acme']): Promise<TwoSites> {
  const sites = twoSites()
  for (const tenant of tenants) await write(sites.aws.services, count, { text: 'precious' }, tenant)
  await sites.flush()
  await sites.clock.advance(dayMs + hourMs)
  return sites
}

export const liveAt = (sites: TwoSites, site: 'aws' | 'azure', tenant = 'acme'): StoredRecord[] =>
  sites[site].records.all().filter((record) => !record.deleted && record.key.tenant === tenant)
export const textsAt = (sites: TwoSites, site: 'aws' | 'azure'): Set<unknown> =>
  new Set(liveAt(sites, site).map(({ body }) => body?.['text']))

export const scopesOf = async (services: Services) =>
  ((await breakerView(services))['incoming'] as JsonObject)['scopes'] as JsonObject[]
export const scopeOf = async (services: Services, tenant: string | null = 'acme') =>
  (await scopesOf(services)).find((scope) => scope['tenant'] === tenant)
export const kinds = (outcomes: readonly OfferOutcome[]): Record<string, number> =>
  Object.fromEntries([...Map.groupBy(outcomes, ({ kind }) => kind)].map(([kind, each]) => [kind, each.length]))

/** Both timers, until both sites have had the chance to find everything. */
export async function reconcileBoth(sites: TwoSites, times = 3): Promise<void> {
  for (let time = 0; time < times; time++) {
    await sites.clock.advance(60_000)
    await reconcile(sites.aws.services)
    await reconcile(sites.azure.services)
    await sites.flush()
  }
}

/** What a site that has gone mad would send of a record: nobody checks that its stamps are true. */
export function forged(
  stored: StoredRecord,
  ms: number,
  body: JsonObject | null,
  site: 'aws' | 'azure' = 'azure',
): RecordState {
  const stamp: Stamp = formatStamp({ ms, counter: 0, nonce: 'ffffffff', site })
  return { ...stateOf(stored), vector: { ...stored.vector, [site]: stamp }, stamp, deleted: body === null, body }
}
