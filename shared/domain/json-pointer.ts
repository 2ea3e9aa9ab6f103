import { isJsonObject, type Json, type JsonObject } from './json.ts'

/** Places in a JSON object by JSON Pointer (RFC 6901), through objects alone: an array is one value. */

export const pointerTo = (around: string, name: string): string =>
  `${around}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`

/** The member names on the way to a place. */
export const namesOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))

/** A member of the object's own, never one that every object has. */
export const own = (object: JsonObject, name: string): Json | undefined =>
  Object.hasOwn(object, name) ? object[name] : undefined

export function valueAt(body: JsonObject, pointer: string): Json | undefined {
  return namesOf(pointer).reduce<Json | undefined>(
    (value, name) => (isJsonObject(value) ? own(value, name) : undefined),
    body,
  )
}

/** A copy with another value at a place; undefined removes what is there. What is not an object on the way becomes one. */
export function withValueAt(body: JsonObject, pointer: string, value: Json | undefined): JsonObject {
  const placed = withValue(body, namesOf(pointer), value)
  return isJsonObject(placed) ? placed : {}
}

function withValue(around: Json | undefined, names: readonly string[], value: Json | undefined): Json | undefined {
  const [name, ...rest] = names
  if (name === undefined) return value
  const object = isJsonObject(around) ? around : {}
  const member = withValue(own(object, name), rest, value)
  const entries = Object.entries(object)
  if (member === undefined) return Object.fromEntries(entries.filter(([other]) => other !== name))
  const isThere = Object.hasOwn(object, name)
  return Object.fromEntries(
    isThere ? entries.map(([other, old]) => [other, other === name ? member : old]) : [...entries, [name, member]],
  )
}
