import { compareUtf8 } from '../../shared/domain/utf8.ts'
import type { Page, PageRequest } from '../../shared/ports/page.ts'

interface Entry {
  readonly sort: string
  readonly value: string
}

/** Groups of values sorted by a text, as a store's index keeps them. */
export class MemoryIndex {
  readonly #groups = new Map<string, Entry[]>()

  add(group: string, sort: string, value: string): void {
    let entries = this.#groups.get(group)
    if (!entries) this.#groups.set(group, (entries = []))
    const at = placeOf(entries, sort)
    entries.splice(at, entries[at]?.sort === sort ? 1 : 0, { sort, value })
  }

  remove(group: string, sort: string): void {
    const entries = this.#groups.get(group)
    if (!entries) return
    const at = placeOf(entries, sort)
    if (entries[at]?.sort === sort) entries.splice(at, 1)
  }

  clear(): void {
    this.#groups.clear()
  }

  /** `after` and `next` are sort texts. */
  page(group: string, { after, limit }: PageRequest, descending = false): Page<string> {
    const entries = this.#groups.get(group)
    if (!entries) return { items: [] }
    return descending ? pageDown(entries, after, limit) : pageUp(entries, after, limit)
  }
}

/** The place of the first entry that does not sort before `sort`. */
function placeOf(entries: readonly Entry[], sort: string): number {
  let [low, high] = [0, entries.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareUtf8((entries[middle] as Entry).sort, sort) < 0) low = middle + 1
    else high = middle
  }
  return low
}

function pageUp(entries: readonly Entry[], after: string | undefined, limit: number): Page<string> {
  const at = after === undefined ? 0 : placeOf(entries, after)
  const start = after !== undefined && entries[at]?.sort === after ? at + 1 : at
  return pageOf(entries.slice(start, start + limit), start + limit < entries.length)
}

function pageDown(entries: readonly Entry[], after: string | undefined, limit: number): Page<string> {
  const end = after === undefined ? entries.length : placeOf(entries, after)
  return pageOf(entries.slice(Math.max(0, end - limit), end).reverse(), end > limit)
}

function pageOf(found: readonly Entry[], hasMore: boolean): Page<string> {
  const items = found.map(({ value }) => value)
  const last = found.at(-1)
  return hasMore && last ? { items, next: last.sort } : { items }
}
