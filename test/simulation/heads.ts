import { conflictsCollection } from '../../shared/core/conflict-record.ts'
import { keyText, type RecordKey, type StoredRecord } from '../../shared/domain/record.ts'

/** Every record of a site as it is now, by the text of its key; conflicts are found by what they are about, too. */
export class Heads extends Map<string, StoredRecord> {
  readonly #conflicts = new Map<string, Map<string, StoredRecord>>()

  /** The conflict records about a record that say something, as one that was deleted does not. */
  conflictsAbout(key: RecordKey): StoredRecord[] {
    return [...(this.#conflicts.get(keyText(key))?.values() ?? [])].filter(({ body }) => body !== null)
  }

  override set(id: string, record: StoredRecord): this {
    const about = subjectOf(record) ?? subjectOf(this.get(id))
    if (about !== undefined) {
      const known = this.#conflicts.get(about) ?? new Map<string, StoredRecord>()
      this.#conflicts.set(about, known.set(id, record))
    }
    return super.set(id, record)
  }

  override clear(): void {
    this.#conflicts.clear()
    super.clear()
  }
}

function subjectOf(record: StoredRecord | undefined): string | undefined {
  if (record?.key.collection !== conflictsCollection || !record.body) return undefined
  const { collection, recordId } = record.body
  if (typeof collection !== 'string' || typeof recordId !== 'string') return undefined
  return keyText({ tenant: record.key.tenant, collection, id: recordId })
}
