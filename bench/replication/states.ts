import type { RecordState } from '../../shared/domain/record.ts'
import { formatStamp } from '../../shared/domain/stamp.ts'

const beganMs = Date.now() - 3_600_000
const note = 'x'.repeat(200)

/** The nth record as AWS wrote it, about 250 bytes of body; made when it is needed, so that a million take no memory. */
export function stateOfRecord(n: number, collection = 'bench'): RecordState {
  const ms = beganMs + Math.floor(n / 1_000)
  const stamp = formatStamp({ ms, counter: n % 1_000, nonce: (n >>> 0).toString(16).padStart(8, '0'), site: 'aws' })
  return {
    key: { tenant: 'bench', collection, id: `r${String(n).padStart(8, '0')}` },
    vector: { aws: stamp },
    stamp,
    deleted: false,
    body: { n, customer: `customer ${n % 97}`, note },
    createdMs: ms,
  }
}

/** Offers of a hundred. */
export function* offersOf(count: number, collection?: string): Generator<RecordState[]> {
  const offerStates = 100
  for (let start = 0; start < count; start += offerStates) {
    yield Array.from({ length: Math.min(offerStates, count - start) }, (_, n) => stateOfRecord(start + n, collection))
  }
}
