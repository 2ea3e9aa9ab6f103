import { randomBytes } from 'node:crypto'
import type { JsonObject } from '../../shared/domain/json.ts'
import { recordIndex } from '../../shared/domain/record-index.ts'
import type { RecordKey, RecordState } from '../../shared/domain/record.ts'
import type { Site } from '../../shared/domain/site.ts'
import { nextStamp } from '../../shared/domain/stamp.ts'
import type { LocalFacts } from '../../shared/ports/record-store.ts'

/** A record as any other, so that the stores and what follows from a change have the same to do for both handlers. */
export function itemOf(site: Site, id: string, text: string): { state: RecordState; facts: LocalFacts } {
  const nowMs = Date.now()
  const stamp = nextStamp(site, nowMs, randomBytes(4).toString('hex'), undefined)
  const body = JSON.parse(text) as JsonObject
  const state = { key: recordKey(id), vector: { [site]: stamp }, stamp, deleted: false, body, createdMs: nowMs }
  return { state, facts: { via: 'client', arrivalMs: nowMs } }
}

export function keyOf(id: string): { pk: string; sk: string } {
  return { pk: recordIndex(recordKey(id), 0).partition, sk: id }
}

const recordKey = (id: string): RecordKey => ({ tenant: 'demo', collection: 'bench', id })
