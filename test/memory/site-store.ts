import type { JsonObject } from '../../shared/domain/json.ts'
import { siteText } from '../../shared/domain/stored-text.ts'
import type { Clock } from '../../shared/ports/clock.ts'
import type { SiteItem, SiteStore } from '../../shared/ports/site-store.ts'
import { freeze } from './frozen.ts'
import { MemoryIndex } from './memory-index.ts'

export interface MemorySiteStore extends SiteStore {
  /** Everything not expired, in the order it was last written. */
  all(): SiteItem[]
  /** Everything of one partition that has not expired, by id. */
  within(partition: string): SiteItem[]
  load(items: readonly SiteItem[]): void
}

/** A site store without I/O; expiry follows the injected clock. */
export function memorySiteStore({ clock }: { readonly clock: Clock }): MemorySiteStore {
  const items = new Map<string, SiteItem>()
  const index = new MemoryIndex()
  let writes = 0

  const name = (partition: string, id: string): string => `${partition.length} ${partition} ${id}`
  const alive = (item: SiteItem | undefined): SiteItem | undefined =>
    item && (item.expiresMs === undefined || item.expiresMs > clock.now()) ? item : undefined
  const write = (partition: string, id: string, text: string, expiresMs: number | undefined): void => {
    writes += 1
    const key = name(partition, id)
    const expiry = expiresMs === undefined ? {} : { expiresMs }
    const value = JSON.parse(text) as JsonObject
    items.delete(key)
    items.set(key, freeze({ partition, id, value, token: String(writes), ...expiry }))
    index.add(partition, id, key)
  }
  const drop = (partition: string, id: string): void => {
    items.delete(name(partition, id))
    index.remove(partition, id)
  }

  return {
    get: async (partition, id) => alive(items.get(name(partition, id))),
    put: async ({ partition, id, value, expiresMs }, condition) => {
      const text = siteText(id, value)
      const current = alive(items.get(name(partition, id)))
      if (condition.kind === 'absent' && current) return false
      if (condition.kind === 'unchanged' && current?.token !== condition.token) return false
      write(partition, id, text, expiresMs)
      return true
    },
    remove: async (partition, id, token) => {
      const current = alive(items.get(name(partition, id)))
      if (!current || (token !== undefined && current.token !== token)) return false
      drop(partition, id)
      return true
    },
    list: async (partition, { descending, limit, after }) => {
      const found: SiteItem[] = []
      let cursor = after
      // Expired items are skipped, so a page may take several looks.
      for (;;) {
        const page = index.page(partition, { after: cursor, limit: limit - found.length }, descending)
        found.push(...page.items.flatMap((key) => alive(items.get(key)) ?? []))
        cursor = page.next
        if (cursor === undefined) return { items: found }
        if (found.length >= limit) return { items: found, next: cursor }
      }
    },
    all: () => [...items.values()].flatMap((item) => alive(item) ?? []),
    within: (partition) => {
      const { items: keys } = index.page(partition, { after: undefined, limit: Number.MAX_SAFE_INTEGER })
      return keys.flatMap((key) => alive(items.get(key)) ?? [])
    },
    load: (loaded) => {
      items.clear()
      index.clear()
      for (const { partition, id, value, expiresMs } of loaded) write(partition, id, siteText(id, value), expiresMs)
    },
  }
}
