import { conflictsCollection } from '../../shared/core/conflict-record.ts'
import { isJsonObject, jsonEqual, type Json, type JsonObject } from '../../shared/domain/json.ts'
import { valueAt } from '../../shared/domain/json-pointer.ts'
import { keyText, type RecordState } from '../../shared/domain/record.ts'
import type { Site } from '../../shared/domain/site.ts'
import { changedPlaces } from '../../shared/replication/field-edits.ts'
import { hasSeen, type ClientWrite } from './ledger.ts'
import type { World } from './world.ts'

/** A collection that merges by field. */
export const formsCollection = 'forms'

/** Whether every field that a write set is at one of these sites, or was overwritten by one who knew the write, or is a conflict. */
export function areFieldsKept(world: World, where: readonly Site[], state: RecordState): boolean {
  const ofRecord = [...world.ledger.writes.values()].filter((each) => keyText(each.state.key) === keyText(state.key))
  const own = ofRecord.find((each) => each.state.stamp === state.stamp)
  if (!own || isKnown(ofRecord, own)) return true
  const heads = where.flatMap((site) => world.sites[site].latestOf(state.key) ?? [])
  const listed = where.flatMap((site) => conflictsAbout(world, site, state))
  if (own.state.deleted) return heads.some((head) => head.deleted) || listed.some((lost) => lost['deleted'] === true)
  return placesOf(own).every((place) => {
    const value = valueAt(own.state.body ?? {}, place)
    const isThere = heads.some((head) => head.body && isIn(value, valueAt(head.body, place)))
    const isAlike = (each: ClientWrite): boolean =>
      each !== own && isIn(value, valueAt(each.state.body ?? {}, place)) && isKnown(ofRecord, each)
    return isThere || listed.some((lost) => isLostIn(lost, place, value)) || ofRecord.some(isAlike)
  })
}

/** Whether somebody wrote on top of it. */
const isKnown = (ofRecord: readonly ClientWrite[], { state }: ClientWrite): boolean =>
  ofRecord.some((other) => other.state.stamp !== state.stamp && hasSeen(other.state.vector, state.stamp))

const placesOf = ({ state, before }: ClientWrite): string[] =>
  before?.body && state.fields && state.fields.edits[''] !== state.stamp
    ? changedPlaces(before.body, state.body ?? {})
    : ['']

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
