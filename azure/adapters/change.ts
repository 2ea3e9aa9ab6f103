import type { StoredRecord } from '../../shared/domain/record.ts'
import { fromItem, type Item } from './record-item.ts'

/** The state in a document of the change feed, which carries latest versions only and no removals. */
export function changeOf(document: unknown): StoredRecord | undefined {
  const item = document as Partial<Item>
  return item.pk && item.id && item.stamp ? fromItem(document as Item) : undefined
}
