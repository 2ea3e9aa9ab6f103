import { compareUtf8 } from '../../shared/domain/utf8.ts'
import type { Page, PageRequest } from '../../shared/ports/page.ts'

/** Groups of values sorted by a text, as a store's index keeps them. */
export class MemoryIndex {
  readonly #groups = new Map<string, { readonly values: Map<string, string>; sorted?: string[] | undefined }>()

  add(group: string, sort: string, value: string): void {
    const found = this.#groups.get(group) ?? { values: new Map<string, string>() }
    if (!found.values.has(sort)) found.sorted = undefined
    found.values.set(sort, value)
    this.#groups.set(group, found)
  }

  remove(group: string, sort: string): void {
    const found = this.#groups.get(group)
    if (found?.values.delete(sort)) found.sorted = undefined
  }

  clear(): void {
    this.#groups.clear()
  }

  /** `after` and `next` are sort texts. */
  page(group: string, { after, limit }: PageRequest, descending = false): Page<string> {
    const found = this.#groups.get(group)
    if (!found) return { items: [] }
    found.sorted ??= [...found.values.keys()].sort(compareUtf8)
    const sorted = descending ? found.sorted.toReversed() : found.sorted
    const isPast = (sort: string): boolean =>
      after === undefined || (descending ? compareUtf8(sort, after) < 0 : compareUtf8(sort, after) > 0)
    const start = sorted.findIndex(isPast)
    if (start < 0) return { items: [] }
    const sorts = sorted.slice(start, start + limit)
    const last = sorts.at(-1)
    const items = sorts.map((sort) => found.values.get(sort) ?? '')
    return start + limit < sorted.length && last !== undefined ? { items, next: last } : { items }
  }
}
