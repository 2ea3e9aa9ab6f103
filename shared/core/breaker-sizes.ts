import type { JsonObject } from '../domain/json.ts'
import { bucketCount } from '../domain/record.ts'
import type { BucketEntry } from '../ports/record-store.ts'
import type { Services } from './services.ts'

/** How many live records were met in so many buckets. */
type Tally = { buckets: number; everything: number; tenants: { [tenant: string]: number } }

/** The tally of the cycle under way, which goes on at bucket `next` or behind it, and those of the last cycles, newest first. */
type Sizes = { next: number; under: Tally; past: Tally[] }

const partition = 'breaker-sizes'
const id = 'tally'

/** Only a tenant of more than 10,000 records has a limit above the least there is; the largest this many are remembered. */
const tenantsMax = 2000
/**
 * A size counts once it was met in so many cycles of the scrub: 17 hours each. Whoever fills a tenant up in order to delete
 * more of it gives people a day to notice.
 */
const pastMax = 2

const nothing: Tally = { buckets: 0, everything: 0, tenants: {} }

/** Counts one bucket, a sample of the scrub's share: one more write a run. */
export async function tallyBucket(services: Services, bucket: number, entries: readonly BucketEntry[]): Promise<void> {
  const item = await services.siteStore.get(partition, id)
  const known = (item?.value as Sizes | undefined) ?? { next: 0, under: nothing, past: [] }
  const isNewCycle = bucket === 0 && known.next > 0
  // Read again after a crash: it was counted then.
  if (bucket < known.next && !isNewCycle) return
  const past = isNewCycle ? [known.under, ...known.past].slice(0, pastMax) : known.past
  const under = withBucket(isNewCycle ? nothing : known.under, entries)
  const value: Sizes = { next: bucket + 1, under, past }
  const condition = item ? ({ kind: 'unchanged', token: item.token } as const) : ({ kind: 'absent' } as const)
  // When another run was faster, it has counted the same bucket.
  await services.siteStore.put({ partition, id, value: value as unknown as JsonObject }, condition)
}

function withBucket(tally: Tally, entries: readonly BucketEntry[]): Tally {
  const tenants = new Map(Object.entries(tally.tenants))
  let { everything } = tally
  for (const { deleted, key } of entries) {
    if (deleted) continue
    everything++
    tenants.set(key.tenant, (tenants.get(key.tenant) ?? 0) + 1)
  }
  const largest = [...tenants].sort((a, b) => b[1] - a[1]).slice(0, tenantsMax)
  return { buckets: tally.buckets + 1, everything, tenants: Object.fromEntries(largest) }
}

/** About how many live records a tenant and the whole site hold here; rather too few than too many. */
export async function liveRecords(
  services: Services,
  tenant: string,
): Promise<{ readonly tenant: number; readonly everything: number }> {
  const item = await services.siteStore.get(partition, id)
  const sizes = (item?.value as Sizes | undefined) ?? { under: nothing, past: [] }
  const tallies = sizes.past.length > 0 ? sizes.past : [sizes.under]
  const least = (count: (tally: Tally) => number): number =>
    Math.min(...tallies.map((tally) => estimate(count(tally), tally.buckets)))
  return {
    tenant: least(({ tenants }) => (Object.hasOwn(tenants, tenant) ? (tenants[tenant] ?? 0) : 0)),
    everything: least((tally) => tally.everything),
  }
}

/** From some buckets to all, two standard deviations down. */
const estimate = (found: number, buckets: number): number =>
  buckets === 0 ? 0 : Math.max(0, Math.floor(((found - 2 * Math.sqrt(found)) * bucketCount) / buckets))
