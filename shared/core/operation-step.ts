import type { Cost, Pace } from './pace.ts'
import { examplesMax, type Counter, type Finding, type Operation, type Position } from './operation.ts'
import type { Services } from './services.ts'
import type { WorkTools } from './work-tools.ts'

/** One step of a phase: short, and harmless to do again when the run dies before it is saved. */
export interface Step {
  readonly services: Services
  readonly work: WorkTools
  /** Aborted when the function's time is nearly over. */
  readonly signal: AbortSignal
  readonly pace: Pace
  /** As it was when the step began. */
  readonly operation: Operation
  readonly tally: Tally
  /** Says that the run still lives; for steps that take long. Throws when another run has taken over. */
  beat(): Promise<void>
  /** Saves a place within the step, with all that was counted so far. */
  keep(position: Position): Promise<void>
}

export type Outcome =
  | 'ended'
  | {
      readonly position: Position
      /** 0 to 1, of the phase. */
      readonly fraction: number
      /** Look again later, for this reason. */
      readonly wait?: { readonly ms: number; readonly for: string }
    }

export type Phase = (step: Step) => Promise<Outcome>

/** What a step counted and found, saved together with how far it came. */
export interface Tally {
  count(name: Counter, by?: number): void
  found(finding: Finding): void
  suspect(buckets: readonly number[]): void
  /** The operation with all of it. */
  into(operation: Operation): Operation
  /** Once that is saved. */
  clear(): void
}

const detailCharsMax = 400

export function makeTally(): Tally {
  let counts = new Map<Counter, number>()
  let findings: Finding[] = []
  let suspects: number[] = []
  return {
    count: (name, by = 1) => void counts.set(name, (counts.get(name) ?? 0) + by),
    found: (finding) => void findings.push({ ...finding, detail: finding.detail.slice(0, detailCharsMax) }),
    suspect: (buckets) => void suspects.push(...buckets),
    into: (operation) => {
      const counters = { ...operation.counters }
      for (const [name, by] of counts) counters[name] = (counters[name] ?? 0) + by
      const found = { ...operation.found }
      for (const { kind } of findings) found[kind] = (found[kind] ?? 0) + 1
      const examples = [...operation.examples, ...findings].slice(0, examplesMax)
      const all = [...operation.suspects, ...suspects]
      return { ...operation, counters, found, examples, suspects: all }
    },
    clear: () => {
      ;[counts, findings, suspects] = [new Map(), [], []]
    },
  }
}

/** Waits for its turn, does one piece of work, and pays for it. */
export async function paced<Result>(
  step: Step,
  cost: (result: Result) => Cost,
  act: () => Promise<Result>,
): Promise<Result> {
  await step.pace.turn()
  await step.beat()
  const result = await act()
  step.pace.spend(cost(result))
  return result
}
