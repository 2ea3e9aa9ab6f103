import type { Page } from '../ports/page.ts'

/** A page of at most `limit` items from `found`, read with one more than the limit so that the last page is known to be the last. */
export function cutPage<Item>(
  found: readonly Item[],
  limit: number,
  cursorOf: (item: Item) => string,
  hasMore = false,
): Page<Item> {
  const items = found.slice(0, limit)
  const last = items.at(-1)
  return last !== undefined && (hasMore || found.length > limit) ? { items, next: cursorOf(last) } : { items }
}
