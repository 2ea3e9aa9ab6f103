import { createHash, type Hash } from 'node:crypto'

/** Kept from before the globals are poisoned: the scheduler alone may let the real event loop turn. */
const turn = setImmediate

interface Event {
  readonly atMs: number
  readonly order: number
  readonly label: string
  readonly run: () => void
}

export interface Scheduler {
  /** Virtual milliseconds since the run began. */
  readonly now: () => number
  at(ms: number, label: string, run: () => void): void
  /** Resolves after virtual time; never, once the run is over. */
  delay(ms: number, label: string): Promise<void>
  /** Runs events in order of time until `untilMs`, and leaves the clock there. */
  runUntil(untilMs: number): Promise<void>
  readonly events: () => number
  /** Adds what happened inside an event to the digest and the trace. */
  readonly note: (line: string) => void
  /** Adds a line to the trace alone; made only when somebody reads it. */
  readonly remark: (line: () => string) => void
  /** Names everything that happened, in order: two runs of a seed have the same. */
  readonly digest: () => string
}

/** One line an event: `<virtual ms> <label>`. */
export type Trace = (line: string) => void

/** Virtual time. Of events at the same moment the one asked for first runs first; all that follows from it runs before the next. */
export function makeScheduler(trace?: Trace): Scheduler {
  const queue: Event[] = []
  const hash: Hash = createHash('sha256')
  let nowMs = 0
  let order = 0
  let events = 0

  const at = (ms: number, label: string, run: () => void): void => {
    push(queue, { atMs: Math.max(ms, nowMs), order: order++, label, run })
  }
  const runOne = async (event: Event): Promise<void> => {
    nowMs = event.atMs
    events++
    const line = `${event.atMs} ${event.label}`
    hash.update(line)
    trace?.(line)
    event.run()
    await new Promise<void>((resolve) => void turn(resolve))
  }
  return {
    now: () => nowMs,
    at,
    delay: (ms, label) => new Promise((resolve) => at(nowMs + ms, label, resolve)),
    runUntil: async (untilMs) => {
      for (let next = queue[0]; next && next.atMs <= untilMs; next = queue[0]) {
        pop(queue)
        await runOne(next)
      }
      nowMs = Math.max(nowMs, untilMs)
    },
    events: () => events,
    note: (line) => {
      hash.update(line)
      trace?.(`    ${line}`)
    },
    remark: (line) => trace?.(`    ${line()}`),
    digest: () => hash.copy().digest('hex').slice(0, 16),
  }
}

const isBefore = (a: Event, b: Event): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)

/** A binary heap, smallest first. */
function push(heap: Event[], event: Event): void {
  let index = heap.push(event) - 1
  while (index > 0) {
    const parent = (index - 1) >> 1
    const above = heap[parent] as Event
    if (!isBefore(event, above)) break
    heap[index] = above
    index = parent
  }
  heap[index] = event
}

function pop(heap: Event[]): void {
  const last = heap.pop() as Event
  if (heap.length === 0) return
  let index = 0
  for (;;) {
    let child = 2 * index + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child++
    if (!isBefore(heap[child] as Event, last)) break
    heap[index] = heap[child] as Event
    index = child
  }
  heap[index] = last
}
