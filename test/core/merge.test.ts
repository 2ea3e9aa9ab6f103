import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { canonicalJson } from '../../shared/domain/json.ts'
import type { RecordState } from '../../shared/domain/record.ts'
import { originOf, peerOf, sites, type Site } from '../../shared/domain/site.ts'
import { nextStamp } from '../../shared/domain/stamp.ts'
import { mergeStates, stillOverruled } from '../../shared/replication/merge.ts'
import { joinVectors, newestStamp, vectorText } from '../../shared/replication/vector.ts'

/**
 * A write at a site whose clock stands somewhere, the delivery of any state there ever was to a site, or the return of AWS to
 * what it held once: what it writes from then on is of another origin.
 */
type Step =
  | { readonly kind: 'write'; readonly site: Site; readonly text: number; readonly nowMs: number }
  | { readonly kind: 'deliver'; readonly site: Site; readonly which: number }
  | { readonly kind: 'restore'; readonly which: number }

const site = fc.constantFrom(...sites)
const write = fc.record({ kind: fc.constant('write' as const), site, text: fc.nat(3), nowMs: fc.nat(4) })
const delivery = fc.record({ kind: fc.constant('deliver' as const), site, which: fc.nat() })
const restore = fc.record({ kind: fc.constant('restore' as const), which: fc.nat() })
const steps = fc.oneof(
  fc.array(fc.oneof(write, delivery), { minLength: 2, maxLength: 24 }),
  fc.array(fc.oneof({ arbitrary: write, weight: 4 }, { arbitrary: delivery, weight: 4 }, restore), {
    minLength: 2,
    maxLength: 24,
  }),
)

const says = ({ body }: Pick<RecordState, 'body'>): string => canonicalJson(body)

/** Two sites and one record, without anything around them. `text` 0 deletes. */
class History {
  readonly made: RecordState[] = []
  /** What a site holds, and the losers it keeps by stamp. */
  readonly head: Partial<Record<Site, RecordState>> = {}
  readonly kept: Record<Site, Set<string>> = { aws: new Set(), azure: new Set() }
  /** Stamps of the heads that were overwritten by a writer who saw them. */
  readonly overwritten = new Set<string>()
  /** What AWS has held, and how often it went back to some of it. */
  private readonly past: (RecordState | undefined)[] = [undefined]
  incarnation = 0

  run(all: readonly Step[]): void {
    for (const step of all) {
      if (step.kind === 'write') this.write(step)
      else if (step.kind === 'restore') this.restore(step.which)
      else if (this.made.length > 0) this.deliver(step.site, this.made[step.which % this.made.length] as RecordState)
    }
  }

  /** Until no site has anything that the other lacks. */
  settle(): void {
    for (let round = 0; round < 3; round++) {
      for (const from of sites) {
        const head = this.head[from]
        if (head) this.deliver(peerOf(from), head)
      }
    }
  }

  deliver(to: Site, offered: RecordState): void {
    const merge = mergeStates(this.head[to], offered)
    if (merge.loser) this.kept[to].add(merge.loser.stamp)
    if (merge.kind === 'known') return
    this.hold(to, merge.kind === 'replace' ? merge.state : merge.winner)
  }

  private restore(which: number): void {
    const state = this.past[which % this.past.length]
    if (state) this.head.aws = state
    else delete this.head.aws
    this.incarnation++
  }

  private write({ site: at, text, nowMs }: Extract<Step, { kind: 'write' }>): void {
    const current = this.head[at]
    const nonce = this.made.length.toString(16).padStart(8, '0')
    const origin = originOf(at, at === 'aws' ? this.incarnation : 0)
    const stamp = nextStamp(origin, nowMs, nonce, current && newestStamp(current.vector))
    if (current) this.overwritten.add(current.stamp)
    this.hold(at, {
      key: { tenant: 't', collection: 'c', id: 'i' },
      vector: { ...current?.vector, [origin]: stamp },
      stamp,
      deleted: text === 0,
      body: text === 0 ? null : { text },
      createdMs: 0,
      ...(current ? stillOverruled(current, origin) : {}),
    })
  }

  private hold(at: Site, state: RecordState): void {
    this.head[at] = state
    if (at === 'aws') this.past.push(state)
    this.made.push(state)
  }
}

const historyOf = (all: readonly Step[]): History => {
  const history = new History()
  history.run(all)
  return history
}

describe('merging', () => {
  test('a state is named by its vector: whoever comes to the same vector holds the very same state', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const history = historyOf(all)
        history.settle()
        const byVector = Map.groupBy(history.made, ({ vector }) => vectorText(vector))
        for (const alike of byVector.values()) for (const state of alike) expect(state).toEqual(alike[0])
        expect(history.head.aws).toEqual(history.head.azure)
      }),
      { numRuns: 400 },
    )
  })

  test('any order and any number of deliveries of the same states give the same head', () => {
    fc.assert(
      fc.property(steps, fc.array(fc.nat(), { maxLength: 30 }), (all, order) => {
        const { made } = historyOf(all)
        const heads = [made, [...order.map((which) => made[which % made.length] as RecordState), ...made.toReversed()]]
        const [there, back] = heads.map((states) => {
          const site = new History()
          if (made.length > 0) for (const state of states) site.deliver('aws', state)
          return site.head.aws
        })
        expect(back).toEqual(there)
      }),
      { numRuns: 400 },
    )
  })

  test('no site ever drops what it held: it is the head, or overwritten knowingly, or kept as a conflict there', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const history = historyOf(all)
        history.settle()
        // What AWS keeps is lost when it goes back.
        for (const at of history.incarnation > 0 ? (['azure'] as const) : sites) {
          for (const state of heldAt(all, at)) expect(isSafe(history, at, state)).toBe(true)
        }
      }),
      { numRuns: 400 },
    )
  })

  test('the head has seen both, and is the later of the two', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const { made } = historyOf(all)
        const [a, b] = [made[0], made.at(-1)]
        const merge = a && b && mergeStates(a, b)
        if (merge?.kind !== 'conflict') return
        expect(merge.winner.vector).toEqual(joinVectors(a?.vector ?? {}, b?.vector ?? {}))
        expect(merge.winner.stamp).toBe(newestStamp(merge.winner.vector))
      }),
    )
  })
})

/** Every state that one site held at some time. */
function heldAt(all: readonly Step[], at: Site): RecordState[] {
  const history = new History()
  return all.flatMap((step) => {
    history.run([step])
    return history.head[at] ?? []
  })
}

function isSafe({ head, kept, overwritten, made }: History, at: Site, state: RecordState): boolean {
  const alike = made.filter((other) => says(other) === says(state)).map(({ stamp }) => stamp)
  const isHead = head[at] !== undefined && says(head[at]) === says(state)
  return isHead || alike.some((stamp) => overwritten.has(stamp) || kept[at].has(stamp))
}
