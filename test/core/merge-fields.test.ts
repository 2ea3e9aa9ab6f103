import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../../shared/domain/json.ts'
import { namesOf, valueAt } from '../../shared/domain/json-pointer.ts'
import type { RecordState } from '../../shared/domain/record.ts'
import { peerOf, sites, type Site } from '../../shared/domain/site.ts'
import { nextStamp, type Stamp } from '../../shared/domain/stamp.ts'
import { bodyUnder, changedPlaces, fieldsAfterWrite, hasSeen } from '../../shared/replication/field-edits.ts'
import type { Loser } from '../../shared/replication/lost-fields.ts'
import { losersIn, mergeStates } from '../../shared/replication/merge.ts'
import { newestStamp, type Vector } from '../../shared/replication/vector.ts'

/** What one write did, in words that know nothing of merging. */
interface Write {
  readonly stamp: Stamp
  readonly vector: Vector
  readonly kind: 'delete' | 'whole' | 'fields'
  readonly changes: readonly (readonly [string, Json | undefined])[]
  /** What its state said. */
  readonly body: JsonObject
}

type Step =
  | {
      readonly kind: 'write'
      readonly at: Site
      readonly body: JsonObject | null
      readonly byField: boolean
      readonly ms: number
    }
  | {
      readonly kind: 'edit'
      readonly at: Site
      readonly place: string
      readonly value: Json | undefined
      readonly ms: number
    }
  /** One of the states that a site ever held reaches the other, late or twice. */
  | { readonly kind: 'send'; readonly from: Site; readonly which: number }

const places = ['/a', '/b', '/b/x', '/b/y', '/b/y/z', '/c']
const values: fc.Arbitrary<Json> = fc.oneof(
  fc.nat(3),
  fc.constant<Json>([1]),
  fc.constant({ x: 1 }),
  fc.constant({ y: { z: 2 } }),
  fc.constant({}),
)
const bodies = fc.dictionary(fc.constantFrom('a', 'b', 'c'), values, { maxKeys: 3 }) as fc.Arbitrary<JsonObject>
const at = fc.constantFrom(...sites)
const ms = fc.nat(30)
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      at,
      body: fc.option(bodies, { freq: 4 }),
      byField: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.boolean()),
      ms,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('edit' as const),
      at,
      place: fc.constantFrom(...places),
      value: fc.option(values, { nil: undefined }),
      ms,
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('send' as const), from: at, which: fc.nat(5) }) },
)

/** Sets a place as a write does that had an object to write into. */
function withValue(body: Json | undefined, names: readonly string[], value: Json | undefined): Json | undefined {
  const [name, ...rest] = names
  if (name === undefined) return value
  const object = isJsonObject(body) ? body : {}
  const member = withValue(Object.hasOwn(object, name) ? object[name] : undefined, rest, value)
  const others = Object.entries(object).filter(([other]) => other !== name)
  return Object.fromEntries(member === undefined ? others : [...others, [name, member]])
}

/** What a record is after these writes, in whatever order they became known: each after the other, by their stamps. */
function replay(writes: readonly Write[]): { body: Json | undefined; deleted: boolean } {
  let body: Json | undefined = {}
  let deleted = true
  for (const { kind, changes } of writes.toSorted((a, b) => (a.stamp < b.stamp ? -1 : 1))) {
    deleted = kind === 'delete'
    for (const [place, value] of changes) body = withValue(body, namesOf(place), value)
  }
  return { body, deleted }
}

class Model {
  readonly writes: Write[] = []
  readonly held: Record<Site, RecordState[]> = { aws: [], azure: [] }
  readonly losers: Loser[] = []

  head(site: Site): RecordState | undefined {
    return this.held[site].at(-1)
  }

  run(step: Step): void {
    if (step.kind === 'send') {
      const states = this.held[step.from]
      const state = states.at(-1 - (step.which % Math.max(1, states.length)))
      return state && this.offer(peerOf(step.from), state)
    }
    const head = this.head(step.at)
    const live = head && !head.deleted ? (head.body ?? {}) : undefined
    if (step.kind === 'write') return this.write(step.at, step.body, step)
    if (!live) return
    this.write(step.at, withValue(live, namesOf(step.place), step.value) as JsonObject, { ms: step.ms, byField: true })
  }

  write(site: Site, body: JsonObject | null, { ms: nowMs, byField }: { ms: number; byField: boolean }): void {
    const current = this.head(site)
    if (body === null && (!current || current.deleted)) return
    const stamp = nextStamp(
      site,
      nowMs,
      this.writes.length.toString(16).padStart(8, '0'),
      current && newestStamp(current.vector),
    )
    const vector = { ...current?.vector, [site]: stamp }
    const fields = fieldsAfterWrite(current, { stamp, body, byField })
    const key = { tenant: 't', collection: 'c', id: 'i' }
    this.held[site].push({
      key,
      vector,
      stamp,
      deleted: body === null,
      body,
      createdMs: 0,
      ...(fields ? { fields } : {}),
    })
    const before = current && !current.deleted && byField ? current.body : undefined
    // Where nothing is known of fields, a delete leaves nothing of them.
    const cleared = fields ? [] : ([['', {}]] as const)
    if (body === null) this.writes.push({ stamp, vector, kind: 'delete', changes: cleared, body: {} })
    else if (!before) this.writes.push({ stamp, vector, kind: 'whole', changes: [['', body]], body })
    else {
      const changes = changedPlaces(before, body).map((place) => [place, valueAt(body, place)] as const)
      this.writes.push({ stamp, vector, kind: 'fields', changes, body })
    }
  }

  offer(to: Site, offered: RecordState): void {
    const merge = mergeStates(this.head(to), offered)
    this.losers.push(...losersIn(merge))
    if (merge.kind === 'replace') this.held[to].push(merge.state)
    if (merge.kind !== 'conflict') return
    this.held[to].push(merge.winner)
  }

  settle(): void {
    for (let round = 0; round < 2; round++) {
      for (const site of sites) {
        const head = this.head(site)
        if (head) this.offer(peerOf(site), head)
      }
    }
  }

  /** Values that no write has overwritten knowingly, that are gone, and that are listed nowhere. */
  silentlyLost(): string[] {
    const head = this.head('aws')
    if (!head) return []
    return this.writes.flatMap((write) => {
      if (write.kind !== 'delete') {
        const lost = write.changes.filter(([place, value]) => !this.isAccountedFor(write, place, value))
        return lost.map(([place]) => `${place} of ${write.stamp}`)
      }
      return head.deleted || this.isDeleteAccountedFor(write) ? [] : [`the delete ${write.stamp}`]
    })
  }

  /** It is listed, or was overwritten knowingly; or a later delete is accounted for, since the two stand for each other. */
  isDeleteAccountedFor(write: Write): boolean {
    if (this.losers.some(({ stamp, deleted }) => stamp === write.stamp && deleted)) return true
    if (this.after(write).length > 0) return true
    return this.writes.some(
      (other) => other.kind === 'delete' && other.stamp > write.stamp && this.isDeleteAccountedFor(other),
    )
  }

  /** The writes that had seen one. */
  after({ stamp }: Write): Write[] {
    return this.writes.filter((other) => other.stamp !== stamp && hasSeen(other.vector, stamp))
  }

  /** It is there, or listed, or was overwritten knowingly; or a later write that says the same is accounted for. */
  isAccountedFor(write: Write, place: string, value: Json | undefined): boolean {
    const head = this.head('aws')
    if (head?.body && isIn(value, valueAt(head.body, place))) return true
    const listed = this.losers.filter(({ stamp }) => stamp === write.stamp)
    if (listed.some(({ places: lost }) => !lost || lost.some(({ path }) => path === place))) return true
    const touches = (other: Write): boolean =>
      other.kind !== 'fields' || other.changes.some(([by]) => overlap(by, place))
    if (this.after(write).some(touches)) return true
    return this.writes.some(
      (other) =>
        other.stamp > write.stamp &&
        touches(other) &&
        isIn(value, valueAt(other.body, place)) &&
        this.isAccountedFor(other, place, value),
    )
  }
}

const overlap = (a: string, b: string): boolean => a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`)

const isIn = (value: Json | undefined, held: Json | undefined): boolean =>
  isJsonObject(value) && isJsonObject(held)
    ? Object.entries(value).every(([name, member]) => isIn(member, held[name]))
    : canonicalJson(value) === canonicalJson(held)

const plain = (state: RecordState | undefined) => canonicalJson(JSON.parse(JSON.stringify(state ?? null)) as Json)

describe('merging by field', () => {
  test('both sites come to what the writes make one after the other, whatever reached whom when', () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 24 }), (history) => {
        const model = new Model()
        for (const step of history) model.run(step)
        model.settle()
        expect(plain(model.head('aws'))).toBe(plain(model.head('azure')))
        const head = model.head('aws')
        if (!head) return
        const isByField = head.fields !== undefined
        if (isByField) {
          const { body, deleted } = replay(model.writes)
          expect({ body: bodyUnder(head), deleted: head.deleted }).toEqual({ body, deleted })
        }
        expect(model.silentlyLost()).toEqual([])
      }),
      { numRuns: 3_000 },
    )
  })
})
