import { createHash } from 'node:crypto'

/** Lets the real event loop turn, so that whoever started this process can still reach it. */
const turn = setImmediate
const eventsPerTurn = 2_000
const eventsPerHash = 2_000
/** A run that does so much at one virtual moment, or altogether, gets nowhere: the code under test is going round in circles. */
const eventsPerMomentMax = 100_000
const eventsMax = 20_000_000

interface Event {
  readonly atMs: number
  readonly order: number
  readonly label: string
  /** Undefined once it was called off. */
  run: (() => void) | undefined
}

export interface Timeout {
  readonly over: Promise<void>
  /** Whoever waited has an answer: nothing happens when its time comes. */
  cancel(): void
}

export interface Scheduler {
  /** Virtual milliseconds since the run began. */
  readonly now: () => number
  at(ms: number, label: string, run: () => void): void
  /** Resolves after virtual time; never, once the run is over. */
  delay(ms: number, label: string): Promise<void>
  timeout(ms: number, label: string): Timeout
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
  const digest = makeDigest()
  let nowMs = 0
  let order = 0
  let events = 0
  let eventsNow = 0

  const enter = (ms: number, label: string, run: () => void): Event => {
    const event: Event = { atMs: Math.max(ms, nowMs), order: order++, label, run }
    push(queue, event)
    return event
  }
  const nextUntil = (untilMs: number): Event | undefined => {
    for (let next = queue[0]; next && next.atMs <= untilMs; next = queue[0]) {
      pop(queue)
      if (next.run) return next
    }
    return undefined
  }
  const runOne = (event: Event): void => {
    eventsNow = event.atMs === nowMs ? eventsNow + 1 : 0
    events++
    nowMs = event.atMs
    if (eventsNow > eventsPerMomentMax) throw new Error(`Time stands still at ${nowMs} ms: ${event.label}`)
    if (events > eventsMax) throw new Error(`No end after ${events} events: ${event.label}`)
    digest.event(event.atMs, event.label)
    trace?.(`${event.atMs} ${event.label}`)
    event.run?.()
  }
  const runUntil = (untilMs: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const step = (): void => {
        const next = nextUntil(untilMs)
        if (!next) {
          nowMs = Math.max(nowMs, untilMs)
          return resolve()
        }
        try {
          runOne(next)
        } catch (error) {
          return reject(error)
        }
        if (events % eventsPerTurn === 0) turn(step)
        else queueMicrotask(afterMicrotasks)
      }
      // A tick asked for by a microtask runs once no microtask is left: all that follows from an event has then happened.
      const afterMicrotasks = (): void => process.nextTick(step)
      step()
    })
  return {
    now: () => nowMs,
    at: (ms, label, run) => void enter(ms, label, run),
    delay: (ms, label) => new Promise((resolve) => void enter(nowMs + ms, label, resolve)),
    timeout: (ms, label) => {
      const { promise: over, resolve } = Promise.withResolvers<void>()
      const event = enter(nowMs + ms, label, resolve)
      return { over, cancel: () => (event.run = undefined) }
    },
    runUntil,
    events: () => events,
    note: (line) => {
      digest.note(`${events} ${line}`)
      trace?.(`    ${line}`)
    },
    remark: (line) => trace?.(`    ${line()}`),
    digest: () => digest.text(),
  }
}

interface Digest {
  event(atMs: number, label: string): void
  note(line: string): void
  text(): string
}

/** SHA-256 of all that happened, some thousands at a time. There are few labels, so each is told once and then by its number. */
function makeDigest(): Digest {
  const hash = createHash('sha256')
  const labels = new Map<string, number>()
  const moments = new Float64Array(2 * eventsPerHash)
  let lines: string[] = []
  let filled = 0
  const flush = (): void => {
    hash.update(new Uint8Array(moments.buffer, 0, filled * moments.BYTES_PER_ELEMENT))
    hash.update(lines.join('\n'))
    lines = []
    filled = 0
  }
  const numberOf = (label: string): number => {
    const known = labels.get(label)
    if (known !== undefined) return known
    lines.push(`${labels.size} is ${label}`)
    labels.set(label, labels.size)
    return labels.size - 1
  }
  return {
    event: (atMs, label) => {
      moments[filled++] = atMs
      moments[filled++] = numberOf(label)
      if (filled === moments.length) flush()
    },
    note: (line) => void lines.push(line),
    text: () => {
      flush()
      return hash.copy().digest('hex').slice(0, 16)
    },
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
