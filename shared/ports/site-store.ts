import type { JsonObject } from '../domain/json.ts'
import type { Page, PageRequest } from './page.ts'

/** An item that belongs to one site alone and is never replicated: dirty marks, digests, dead letters, history, leases. */
export interface SiteItem {
  readonly partition: string
  readonly id: string
  readonly value: JsonObject
  readonly token: string
  readonly expiresMs?: number
}

export interface SitePut {
  readonly partition: string
  readonly id: string
  readonly value: JsonObject
  /** After this moment `get` and `list` no longer return the item; the store removes it some time later. */
  readonly expiresMs?: number
}

export type SiteCondition =
  | { readonly kind: 'any' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unchanged'; readonly token: string }

/** Strongly consistent; expired items are never returned and count as absent. */
export interface SiteStore {
  get(partition: string, id: string): Promise<SiteItem | undefined>
  /** False when the condition did not hold. */
  put(item: SitePut, condition: SiteCondition): Promise<boolean>
  /** True when the item was there and is gone. With a token: only if unchanged. */
  remove(partition: string, id: string, token?: string): Promise<boolean>
  /** In ascending order of id (by UTF-8 bytes), or descending. `after` is an id. */
  list(partition: string, page: PageRequest & { readonly descending?: boolean }): Promise<Page<SiteItem>>
}
