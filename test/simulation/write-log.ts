import { keyText, type RecordKey } from '../../shared/domain/record.ts'
import type { Stamp } from '../../shared/domain/stamp.ts'
import type { ClientWrite } from './ledger.ts'

const none: ReadonlyMap<Stamp, ClientWrite> = new Map()

/** Writes by stamp, which are asked for by their record far more often than otherwise. */
export class WriteLog extends Map<Stamp, ClientWrite> {
  readonly #byRecord = new Map<string, Map<Stamp, ClientWrite>>()

  /** Every write of one record, in the order in which they came. */
  ofRecord(key: RecordKey): ReadonlyMap<Stamp, ClientWrite> {
    return this.#byRecord.get(keyText(key)) ?? none
  }

  override set(stamp: Stamp, write: ClientWrite): this {
    const id = keyText(write.state.key)
    const ofRecord = this.#byRecord.get(id) ?? new Map<Stamp, ClientWrite>()
    this.#byRecord.set(id, ofRecord.set(stamp, write))
    return super.set(stamp, write)
  }

  override delete(stamp: Stamp): boolean {
    const known = this.get(stamp)
    if (known) this.#byRecord.get(keyText(known.state.key))?.delete(stamp)
    return super.delete(stamp)
  }
}
