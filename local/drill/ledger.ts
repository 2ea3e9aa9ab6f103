import type { Try } from '../../client/failover.ts'

/** One call of the load, as the client saw it. */
export interface Call {
  readonly what: 'create' | 'edit' | 'read'
  readonly beganMs: number
  readonly tookMs: number
  readonly tries: readonly Try[]
  /** Undefined when it was answered as it should be. */
  readonly failure?: string
}

/** What the sites have promised their clients, to be held against what they hold in the end. */
export interface Ledger {
  readonly calls: Call[]
  /** The record that a creation was answered with, by what was created. */
  readonly created: Map<string, string>
  /** How far the edits of a record had come when the last one was acknowledged, by record. */
  readonly edited: Map<string, number>
  /** Reads that were older than what their session had seen, though the answer was to heed it. */
  backwards: number
  /** Reads that were answered without the session, and older than it. */
  olderReads: number
  /** Edits refused with 412, since the record had changed. */
  refusedEdits: number
}

export const newLedger = (): Ledger => ({
  calls: [],
  created: new Map(),
  edited: new Map(),
  backwards: 0,
  olderReads: 0,
  refusedEdits: 0,
})
