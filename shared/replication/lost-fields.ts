import { isJsonObject, type Json, jsonEqual, type JsonObject } from '../domain/json.ts'
import { own, valueAt } from '../domain/json-pointer.ts'
import type { RecordState } from '../domain/record.ts'
import { stampMs, stampOrigin, type Stamp } from '../domain/stamp.ts'
import { bodyUnder, editsOf, hasSeen } from './field-edits.ts'
import { later } from './vector.ts'

/** A value that lost its place; without `value` the write had removed what was there. */
export interface LostField {
  readonly path: string
  readonly value?: Json
}

/** What lost in a merge: a whole state, or what one write had put into some places of it. */
export interface Loser extends Pick<RecordState, 'key' | 'stamp' | 'deleted' | 'body' | 'createdMs'> {
  readonly places?: readonly LostField[]
}

/** The state that came of a merge; `body` is what lies under it when it is a tombstone. */
interface Outcome {
  readonly deleted: boolean
  readonly body: JsonObject
}

/** What `side` had written, unknown to `other`, that did not come through their merge. One loser a write. */
export function lostInMerge(side: RecordState, other: RecordState, merged: Outcome): Loser[] {
  return lostOf(side, merged, (stamp) => !hasSeen(other.vector, stamp))
}

/**
 * What of `older` was overruled on the way to `newer`, a state that has seen it: in a merge at the other site, by which no write
 * that knew it stands yet.
 */
export function lostOnTheWay(older: RecordState, newer: RecordState): Loser[] {
  const seen = newer.fields?.seen
  const body = bodyUnder(newer)
  if (!seen || !body) return []
  return lostOf(older, { deleted: newer.deleted, body }, (stamp, place) => {
    const by = newer.deleted === older.deleted ? stampsAt(newer, place) : [newer.stamp]
    return !hasSeen(seen, stamp) && by.some((other) => stampOrigin(other) !== stampOrigin(stamp))
  })
}

/** Which writes a place is as it is by, as far as the state tells: the newest around it, and those inside. */
function stampsAt(state: RecordState, place: string): Stamp[] {
  const edits = Object.entries(editsOf(state))
  const around = edits
    .filter(([at]) => place === at || place.startsWith(`${at}/`))
    .reduce<Stamp | undefined>((newest, [, stamp]) => later(newest, stamp), undefined)
  const inside = edits.filter(([at]) => at.startsWith(`${place}/`)).map(([, stamp]) => stamp)
  return around ? [around, ...inside] : inside
}

function lostOf(side: RecordState, merged: Outcome, isContested: (stamp: Stamp, place: string) => boolean): Loser[] {
  const { key, stamp, createdMs } = side
  if (side.deleted) {
    return !merged.deleted && isContested(stamp, '') ? [{ key, stamp, deleted: true, body: null, createdMs }] : []
  }
  const { body } = side
  if (!body) return []
  const lost = Object.entries(editsOf(side)).filter(
    ([place, at]) =>
      isContested(at, place) && (merged.deleted || !isKept(valueAt(body, place), valueAt(merged.body, place))),
  )
  // A state is named by its stamp as long as it holds nothing but that write; what a merge brought in has to be told apart.
  if (lost.some(([place, at]) => place === '' && at === stamp)) return [{ key, stamp, deleted: false, body, createdMs }]
  const byWrite = Map.groupBy(lost, ([, at]) => at)
  return [...byWrite].map(([at, places]) => ({
    key,
    stamp: at,
    deleted: false,
    body: null,
    createdMs: stampMs(at),
    places: places.map(([path]) => lostField(path, valueAt(body, path))).sort((a, b) => (a.path < b.path ? -1 : 1)),
  }))
}

const lostField = (path: string, value: Json | undefined): LostField =>
  value === undefined ? { path } : { path, value }

/** Whether all that a write put into a place is still there; others may have added to it. */
function isKept(value: Json | undefined, merged: Json | undefined): boolean {
  if (value === undefined || merged === undefined) return value === merged
  if (!isJsonObject(value) || !isJsonObject(merged)) return jsonEqual(value, merged)
  return Object.entries(value).every(([name, member]) => isKept(member, own(merged, name)))
}
