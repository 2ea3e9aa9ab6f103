import type { Site } from '../domain/site.ts'

/** Long work on a whole site that an operator begins: one at a time, in slices, from where the last one stopped. */
export const operationKinds = ['backfill', 'verify', 'repair'] as const
export type OperationKind = (typeof operationKinds)[number]

export interface OperationOptions {
  /** Says what would be done and changes nothing. */
  readonly dryRun: boolean
  /** Reads the bytes of every object, and compares records word by word. */
  readonly deep: boolean
  readonly recordsPerSecond?: number | undefined
  readonly bytesPerSecond?: number | undefined
}

export type PhaseName = 'records' | 'recheck' | 'objects' | 'arrivals' | 'orphans'

/** Which phases an operation goes through, with the share of its time that each is thought to take. */
export const phasesOf: Readonly<Record<OperationKind, readonly (readonly [PhaseName, number])[]>> = {
  backfill: [
    ['records', 4],
    ['objects', 3],
    ['arrivals', 3],
  ],
  verify: [
    ['records', 3],
    ['recheck', 1],
    ['objects', 5],
    ['orphans', 1],
  ],
  repair: [
    ['records', 3],
    ['recheck', 2],
    ['objects', 3],
    ['arrivals', 3],
    ['orphans', 1],
  ],
}

/** Where a phase goes on. Its meaning is the phase's own; every phase begins with `at: 0`. */
export interface Position {
  /** A bucket, or an index into the suspects. */
  readonly at: number
  readonly after?: string
  /** An object whose bytes may take longer to read than a function runs. */
  readonly trying?: string
  /** How often this place was looked at, or what was left at the last look and since when. */
  readonly looks?: number
  readonly left?: number
  readonly sinceMs?: number
  /** The differences of the look before, as short prints. */
  readonly seen?: readonly string[]
}

/** What can be wrong, in the words of the report. */
export type FindingKind =
  | 'record-missing'
  | 'record-older'
  | 'record-conflict'
  | 'record-differs'
  | 'record-refused'
  | 'object-missing'
  | 'object-lost'
  | 'object-differs'
  | 'object-corrupt'
  | 'object-unread'
  | 'object-not-copied'
  | 'object-orphan'

export interface Finding {
  readonly kind: FindingKind
  /** A record's key as text, or an object's key. */
  readonly what: string
  readonly detail: string
}

/** What was counted on the way. */
export type Counter =
  | 'records'
  | 'peerRecords'
  /** Sent to the peer, fetched from it: newly applied there or here. */
  | 'recordsPushed'
  | 'recordsPulled'
  /** Still moving when they were looked at again: on their way, not wrong. */
  | 'recordsChanging'
  | 'objects'
  | 'objectBytes'
  /** Asked for here, and at the peer. */
  | 'objectsFetched'
  | 'objectsSent'
  /** Named by so young a record that they may still be on their way. */
  | 'objectsComing'
  | 'objectsArrived'
  | 'bytesRead'
  /** No record names them as it is now, but an older version of one may. */
  | 'objectsOfOlderVersions'

export type Operation = OperationOptions & {
  readonly id: string
  readonly kind: OperationKind
  /** Names the request that began it, so that a repeated one begins nothing. */
  readonly request?: string
  readonly site: Site
  readonly state: 'running' | 'done' | 'failed' | 'cancelled'
  /** Milliseconds since 1970. */
  readonly startedMs: number
  readonly updatedMs: number
  readonly endedMs?: number
  readonly phase: PhaseName
  readonly phaseStartedMs: number
  readonly position: Position
  /** 0 to 1, of the phase. */
  readonly fraction: number
  /** Buckets that did not look alike, to be looked at again. */
  readonly suspects: readonly number[]
  readonly counters: { readonly [name in Counter]?: number }
  readonly found: { readonly [kind in FindingKind]?: number }
  readonly examples: readonly Finding[]
  /** The run that works on it, and until when it is believed to live; without a holder, when a message is overdue. */
  readonly holder?: string
  readonly leaseUntilMs: number
  /** Slices in a row that failed, the peer's absence aside. */
  readonly failures: number
  /** What it waits for, in plain words. */
  readonly waitingFor?: string
  readonly error?: string
}

export const examplesMax = 50
