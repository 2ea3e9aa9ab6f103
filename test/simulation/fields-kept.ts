import { conflictsCollection } from '../../shared/core/conflict-record.ts'
import { isJsonObject, jsonEqual, type Json, type JsonObject } from '../../shared/domain/json.ts'
import { valueAt } from '../../shared/domain/json-pointer.ts'
import { keyText, type RecordState } from '../../shared/domain/record.ts'
import { sites, type Site } from '../../shared/domain/site.ts'
import { changedPlaces } from '../../shared/replication/field-edits.ts'
import { hasSeen, type ClientWrite } from './ledger.ts'
import type { World } from './world.ts'

/** A collection that merges by field. */
export const formsCollection = 'forms'

/**
 * Whether every field that a write set is at one of these sites, or was changed by one who knew the write, or is a conflict. To
 * have seen the write is not enough: who changed another field left this one as it was.
 */
export function areFieldsKept(world: World, where: readonly Site[], state: RecordState): boolean {
  const ofRecord = [...world.ledger.writes.values()].filter((each) => keyText(each.state.key) === keyText(state.key))
  const own = ofRecord.find((each) => each.state.stamp === state.stamp)
  if (!own) return true
  // Where somebody wrote on top of the merge that it lost in, the other site hears of it from reconciliation alone.
  const looked = isSeen(ofRecord, own) ? sites : where
  const heads = looked.flatMap((site) => world.sites[site].latestOf(state.key) ?? [])
  const listed = looked.flatMap((site) => conflictsAbout(world, site, state))
  const isThere = (write: ClientWrite, place: string): boolean => {
    if (write.state.deleted)
      return heads.some((head) => head.deleted) || listed.some((lost) => lost['deleted'] === true)
    const value = valueAt(write.state.body ?? {}, place)
    return (
      heads.some((head) => head.body && isIn(value, valueAt(head.body, place))) ||
      listed.some((lost) => isLostIn(lost, place, value))
    )
  }
  const isKept = (write: ClientWrite, place: string): boolean =>
    isThere(write, place) ||
    isChanged(ofRecord, write, place) ||
    // Two that said the same, a delete too, stand for each other: the later of them is the one that is told of.
    ofRecord.some(
      (other) => other.state.stamp > write.state.stamp && saysTheSame(write, other, place) && isKept(other, place),
    )
  return (own.state.deleted ? [''] : placesOf(own)).every((place) => isKept(own, place))
}

const saysTheSame = (write: ClientWrite, other: ClientWrite, place: string): boolean =>
  write.state.deleted || other.state.deleted
    ? write.state.deleted && other.state.deleted
    : touches(other, place) && isIn(valueAt(write.state.body ?? {}, place), valueAt(other.state.body ?? {}, place))

const isSeen = (ofRecord: readonly ClientWrite[], { state }: ClientWrite): boolean =>
  ofRecord.some((other) => other.state.stamp !== state.stamp && hasSeen(other.state.vector, state.stamp))

/** Whether somebody wrote something into a place on top of a write. */
const isChanged = (ofRecord: readonly ClientWrite[], { state }: ClientWrite, place: string): boolean =>
  ofRecord.some(
    (other) => other.state.stamp !== state.stamp && hasSeen(other.state.vector, state.stamp) && touches(other, place),
  )

const touches = (write: ClientWrite, place: string): boolean =>
  write.state.deleted ||
  placesOf(write).some((at) => at === place || at.startsWith(`${place}/`) || place.startsWith(`${at}/`))

const placesKnown = new WeakMap<ClientWrite, readonly string[]>()

/** What a write changed; what one that knew nothing of fields wrote is taken as a whole. */
function placesOf(write: ClientWrite): readonly string[] {
  const known = placesKnown.get(write)
  if (known) return known
  const { state, before } = write
  const isByField = before?.body && state.fields && state.fields.edits[''] !== state.stamp
  const places = isByField ? changedPlaces(before.body, state.body ?? {}) : ['']
  placesKnown.set(write, places)
  return places
}

/** A conflict that a clock set back has sent to the quarantine is kept as well. */
function conflictsAbout({ sites: all }: World, site: Site, { key }: RecordState): JsonObject[] {
  const waiting = all[site].siteStore.all().filter(({ partition }) => partition === 'quarantine')
  const quarantined = waiting.map(({ value }) => value['state'] as unknown as RecordState)
  return [...all[site].latest.values(), ...quarantined].flatMap((record) =>
    record.key.collection === conflictsCollection &&
    record.body?.['recordId'] === key.id &&
    record.body['collection'] === key.collection
      ? [record.body]
      : [],
  )
}

function isLostIn(lost: JsonObject, place: string, value: Json | undefined): boolean {
  if (isJsonObject(lost['body'])) return isIn(value, valueAt(lost['body'], place))
  const fields = (lost['fields'] ?? []) as JsonObject[]
  return fields.some(({ path, value: held }) => {
    const around = typeof path === 'string' ? path : ''
    if (place !== around && !place.startsWith(`${around}/`)) return false
    return isIn(value, held === undefined ? undefined : valueAt({ held }, `/held${place.slice(around.length)}`))
  })
}

function isIn(value: Json | undefined, held: Json | undefined): boolean {
  if (value === undefined || held === undefined) return value === held
  if (!isJsonObject(value) || !isJsonObject(held)) return jsonEqual(value, held)
  return Object.entries(value).every(([name, member]) => isIn(member, held[name]))
}
