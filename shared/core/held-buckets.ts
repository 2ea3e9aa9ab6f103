import type { JsonObject } from '../domain/json.ts'
import { bucketOf } from '../domain/hash.ts'
import type { RecordState } from '../domain/record.ts'
import type { OfferOutcome } from '../ports/peer.ts'
import { leafOfBucket, pageOfBucket } from '../replication/digest.ts'
import { forEachOf } from './each.ts'
import type { Services } from './services.ts'

/**
 * Site-local: buckets that differ because a breaker holds a state back, one item a page of the digest tree. They are left
 * alone for a while, so that what is held does not go back and forth with every reconcile; what is written meanwhile still
 * travels by the feed.
 */
const partition = 'held-buckets'
const heldMs = 4 * 3_600_000
const pagesMax = 128
const clearConcurrencyMax = 8

const pageId = (page: number): string => String(page).padStart(3, '0')

/** Sets the buckets aside of what the other site, or this one, holds back. Costs nothing when nothing is held. */
export async function setHeldAside(
  services: Services,
  states: readonly RecordState[],
  outcomes: readonly OfferOutcome[],
): Promise<void> {
  const held = states.filter((_, index) => outcomes[index]?.kind === 'frozen')
  const byPage = Map.groupBy(new Set(held.map(({ key }) => bucketOf(key))), pageOfBucket)
  const nowMs = services.clock.now()
  for (const [page, buckets] of byPage) {
    const known = (await services.siteStore.get(partition, pageId(page)))?.value ?? {}
    const kept = Object.entries(known).filter(([, untilMs]) => Number(untilMs) > nowMs)
    const fresh = buckets.map((bucket) => [String(leafOfBucket(bucket)), nowMs + heldMs] as const)
    const value: JsonObject = Object.fromEntries([...kept, ...fresh])
    // Whoever overwrites another's mark here only makes that bucket be compared once more.
    const item = { partition, id: pageId(page), value, expiresMs: nowMs + heldMs }
    await services.siteStore.put(item, { kind: 'any' })
  }
}

/** Those buckets that are not set aside. */
export async function withoutHeld<Bucket extends readonly [page: number, leaf: number]>(
  services: Services,
  buckets: readonly Bucket[],
): Promise<Bucket[]> {
  if (buckets.length === 0) return []
  const { items } = await services.siteStore.list(partition, { limit: pagesMax })
  const pages = new Map(items.map(({ id, value }) => [id, value]))
  const nowMs = services.clock.now()
  return buckets.filter(([page, leaf]) => !(Number(pages.get(pageId(page))?.[String(leaf)] ?? 0) > nowMs))
}

export async function clearHeldBuckets(services: Services): Promise<void> {
  const { items } = await services.siteStore.list(partition, { limit: pagesMax })
  await forEachOf(items, clearConcurrencyMax, ({ id }) => services.siteStore.remove(partition, id))
}
