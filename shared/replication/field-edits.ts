import { isJsonObject, jsonEqual, type JsonObject } from '../domain/json.ts'
import { own, pointerTo } from '../domain/json-pointer.ts'
import type { FieldFacts, RecordState } from '../domain/record.ts'
import { siteOf } from '../domain/site.ts'
import { stampOrigin, stampSite, type Stamp } from '../domain/stamp.ts'
import { entriesOf, joinVectors, type Vector } from './vector.ts'

export type FieldEdits = FieldFacts['edits']

/** A write that changes more than this counts as one of the whole body, so that what a record carries stays small. */
const editsMax = 64
const editBytesMax = 6_000
/** Members deeper than this are told apart no more. */
const depthMax = 8

interface Write {
  readonly stamp: Stamp
  readonly body: JsonObject | null
  /** Whether the collection merges by field. */
  readonly byField: boolean
}

/** The field facts of the state that a write makes of `current`; undefined while the record merges as a whole. */
export function fieldsAfterWrite(current: RecordState | undefined, write: Write): FieldFacts | undefined {
  if (!write.byField && !current?.fields) return undefined
  const site = stampSite(write.stamp)
  const known = entriesOf(current?.vector ?? {}).filter(([origin]) => siteOf(origin) !== site)
  const seen = joinVectors(current?.fields?.seen ?? {}, Object.fromEntries(known))
  const edits = current ? uncovered(editsOf(current), seen) : {}
  const before = current && bodyUnder(current)
  if (write.body === null) return { seen, edits, ...(before ? { buried: before } : {}) }
  const isWhole = !write.byField || !before || current.deleted
  return {
    seen,
    edits: isWhole ? { '': write.stamp } : afterEdits(edits, changedPlaces(before, write.body), write.stamp),
  }
}

/** A state that knows nothing of its fields was written as a whole. */
export const editsOf = ({ fields, stamp }: RecordState): FieldEdits => fields?.edits ?? { '': stamp }

/** The body, or what lies under the tombstone. */
export const bodyUnder = ({ body, fields }: RecordState): JsonObject | undefined => body ?? fields?.buried

/** Leaves out the edits that no concurrent state can contest any more. */
export const uncovered = (edits: FieldEdits, seen: Vector): FieldEdits =>
  Object.fromEntries(Object.entries(edits).filter(([, stamp]) => !hasSeen(seen, stamp)))

export const hasSeen = (vector: Vector, stamp: Stamp): boolean => (vector[stampOrigin(stamp)] ?? '') >= stamp

function afterEdits(edits: FieldEdits, places: readonly string[], stamp: Stamp): FieldEdits {
  const isInside = (place: string): boolean =>
    places.some((changed) => place === changed || place.startsWith(`${changed}/`))
  const kept = Object.entries(edits).filter(([place]) => !isInside(place))
  const next = [...kept, ...places.map((place) => [place, stamp] as const)]
  const bytes = next.reduce((sum, [place, at]) => sum + Buffer.byteLength(place) + at.length, 0)
  return next.length > editsMax || bytes > editBytesMax ? { '': stamp } : Object.fromEntries(next)
}

/** The places at which two bodies differ, the deepest that tell it. An array is one value. */
export function changedPlaces(before: JsonObject, after: JsonObject, at = '', depth = 0): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name) => {
    const place = pointerTo(at, name)
    const [old, now] = [own(before, name), own(after, name)]
    if (isJsonObject(old) && isJsonObject(now) && depth + 1 < depthMax) return changedPlaces(old, now, place, depth + 1)
    const isSame = old !== undefined && now !== undefined ? jsonEqual(old, now) : old === now
    return isSame ? [] : [place]
  })
}
