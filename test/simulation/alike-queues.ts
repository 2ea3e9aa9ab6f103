import fc from 'fast-check'
import { type Consumer, type Hosting, makeQueue, type Outcome } from './queue.ts'
import { makeWorld } from './run.ts'

/**
 * How the function deals with a message that it is given: it is done, it is one that failed of its batch, or the whole batch
 * fails: the function throws, runs until its host gives up, or its host is gone before it could say anything.
 */
export type Answer = 'done' | 'fails' | 'throws' | 'hangs' | 'gone'

export interface Sent {
  readonly kind: 'send'
  readonly delaySeconds: number
  /** The same message, so often at once. */
  readonly copies: number
  /** To its deliveries, one after the other; all that come later are done. */
  readonly answers: readonly Answer[]
}

export type QueueCommand = Sent | { readonly kind: 'pass'; readonly seconds: number } | { readonly kind: 'redrive' }

/** What went on: `<second> <message> <times received>`, those of one batch together, and how deep the queue was when. */
export interface Played {
  readonly batches: readonly (readonly string[])[]
  readonly depths: readonly string[]
  readonly dead: readonly string[]
}

interface QueuePlan {
  readonly commands: readonly QueueCommand[]
  readonly batchMax: number
}

const sent = (delays: readonly number[], answers: readonly Answer[], answersMax: number): fc.Arbitrary<Sent> =>
  fc.record({
    kind: fc.constant('send'),
    delaySeconds: fc.constantFrom(...delays),
    copies: fc.constantFrom(1, 1, 1, 2),
    answers: fc.array(fc.constantFrom(...answers), { maxLength: answersMax }),
  })

/** Commands in any order; the end is waited for, then dead letters are sent once more, and waited for again. */
export const queuePlans: fc.Arbitrary<QueuePlan> = fc.record({
  commands: fc.array(
    fc.oneof(
      { weight: 5, arbitrary: sent([0, 0, 3, 60], ['fails', 'fails', 'throws', 'throws', 'hangs', 'done'], 5) },
      {
        weight: 4,
        arbitrary: fc.record({ kind: fc.constant('pass'), seconds: fc.constantFrom(0, 1, 15, 29, 30, 31, 95) }),
      },
      { weight: 1, arbitrary: fc.constant({ kind: 'redrive' } as const) },
    ),
    { minLength: 5, maxLength: 16 },
  ),
  batchMax: fc.constantFrom(1, 3, 10),
})

/** All that is sent at once, and in real time: so little of everything. */
export const shortPlans: fc.Arbitrary<readonly Sent[]> = fc.array(
  sent([0, 0, 1], ['throws', 'throws', 'gone', 'gone', 'done'], 3),
  {
    minLength: 3,
    maxLength: 6,
  },
)

const secondMs = 1_000

/** A function that answers as planned, whatever its messages are called: each counts by itself. */
export function scripted(answersOf: (name: string) => readonly Answer[]) {
  const given = new Map<string, number>()
  return (names: readonly string[]): { readonly answer: Answer; readonly failed: readonly number[] } => {
    const answers = names.map((name) => {
      const times = given.get(name) ?? 0
      given.set(name, times + 1)
      return answersOf(name)[times] ?? 'done'
    })
    const answer = (['gone', 'hangs', 'throws'] as const).find((each) => answers.includes(each)) ?? 'done'
    return { answer, failed: answers.flatMap((each, at) => (each === 'fails' ? [at] : [])) }
  }
}

/** One side of the comparison. Time is in virtual milliseconds since it began. */
export interface PlayedQueue {
  readonly nowMs: () => number
  send(name: string, sending: Sent): Promise<void>
  redrive(): Promise<void>
  depth(): Promise<{ readonly waiting: number; readonly deadLetters: number }>
  deadLetters(): Promise<readonly string[]>
  passTo(ms: number): Promise<void>
}

const longestMs = 3_600_000

/** `make` is told what the function does with a batch. */
export async function playQueue(
  commands: readonly QueueCommand[],
  make: (consume: (messages: Parameters<Consumer>[0]) => ReturnType<ReturnType<typeof scripted>>) => PlayedQueue,
): Promise<Played> {
  const answers = new Map<string, readonly Answer[]>()
  const script = scripted((name) => answers.get(name) ?? [])
  const batches: string[][] = []
  const depths: string[] = []
  const queue = make((messages) => {
    const second = Math.floor(queue.nowMs() / secondMs)
    batches.push(messages.map(({ text, receives }) => `${second} ${text} ${receives}`))
    return script(messages.map(({ text }) => text))
  })
  let atMs = 0
  const pass = async (ms: number): Promise<void> => {
    await queue.passTo((atMs += ms))
    depths.push(JSON.stringify(await queue.depth()))
  }
  const ending = [{ kind: 'pass', seconds: longestMs / secondMs }, { kind: 'redrive' }] as const
  for (const [n, command] of [...commands, ...ending, ending[0]].entries()) {
    if (command.kind === 'pass') await pass(command.seconds * secondMs)
    else if (command.kind === 'redrive') await queue.redrive()
    else {
      answers.set(`"m${n}"`, command.answers)
      await queue.send(`m${n}`, command)
    }
    await pass(0)
  }
  return { batches, depths, dead: (await queue.deadLetters()).toSorted() }
}

const calm = { isCalm: true, loseFeedEvents: 0, shardSplits: 0 } as const

/** What the simulator's queue does. */
export function fakeQueue(hosting: Hosting): Parameters<typeof playQueue>[1] {
  return (script) => {
    const { world } = makeWorld(1, new Map(), { override: calm })
    const { scheduler } = world
    const consume: Consumer = async (messages) => {
      const { answer, failed } = script(messages)
      if (answer === 'done') return { kind: 'done', failed }
      if (answer === 'hangs') await scheduler.delay(hosting.functionMs, 'hangs')
      return answer === 'throws' ? failedOutcome : { kind: 'gone' }
    }
    const queue = makeQueue<string>(world, 'aws', 'alike', { hosting, consume, jitterMs: () => 0 })
    return {
      nowMs: scheduler.now,
      send: async (name, { copies, delaySeconds }) => {
        for (let copy = 0; copy < copies; copy++) queue.send(name, delaySeconds * secondMs)
      },
      redrive: async () => queue.redrive(),
      depth: async () => queue.depth(),
      deadLetters: async () => queue.deadLetters(),
      passTo: (ms) => scheduler.runUntil(ms),
    }
  }
}

const failedOutcome: Outcome = { kind: 'failed' }
