import type { Page, PageRequest } from '../ports/page.ts'
import type { SiteItem } from '../ports/site-store.ts'

/** Items read per round trip at least, so that a run of expired ones is passed in few. */
const readItemsMin = 25

/**
 * A page of items that are not expired. `read` gives up to `limit` items after an id, and whether the store has more;
 * stores remove expired items late, so a page may take several reads.
 */
export async function collectAlive(
  { after, limit }: PageRequest,
  isAlive: (item: SiteItem) => boolean,
  read: (after: string | undefined, limit: number) => Promise<{ items: readonly SiteItem[]; hasMore: boolean }>,
): Promise<Page<SiteItem>> {
  const found: SiteItem[] = []
  for (let cursor = after; ; ) {
    const want = limit + 1 - found.length
    const { items, hasMore } = await read(cursor, Math.max(want, Math.min(readItemsMin, limit + 1)))
    found.push(...items.filter(isAlive))
    cursor = items.at(-1)?.id ?? cursor
    if (found.length > limit || !hasMore || items.length === 0) break
  }
  const items = found.slice(0, limit)
  const last = items.at(-1)
  return found.length > limit && last ? { items, next: last.id } : { items }
}
