import { CatamaranError } from '../domain/errors.ts'
import type { Json, JsonObject } from '../domain/json.ts'
import { valueAt, withValueAt } from '../domain/json-pointer.ts'
import type { StoredRecord } from '../domain/record.ts'
import { changedPlaces } from '../replication/field-edits.ts'
import type { LostField } from '../replication/lost-fields.ts'
import type { Conflict } from './conflicts.ts'

/** One place at which what lost differs from the record as it is. A value that is absent on a side is not there. */
export interface FieldDifference {
  /** A JSON Pointer (RFC 6901); the empty one is the body itself, where one side is a delete. */
  readonly path: string
  readonly now?: Json
  readonly lost?: Json
}

type Losing = Pick<Conflict, 'deleted' | 'body' | 'fields'>

/** What restoring a conflict would change in the record as it is now. */
export function diffOf(conflict: Losing, record: StoredRecord | undefined): FieldDifference[] {
  const now = record?.deleted === false && record.body ? record.body : undefined
  const lost = restoredBody(conflict, now ?? record?.fields?.buried ?? {})
  if (!now || !lost) {
    return now || lost ? [{ path: '', ...(now ? { now } : {}), ...(lost ? { lost } : {}) }] : []
  }
  return changedPlaces(now, lost).map((path) => {
    const [here, there] = [valueAt(now, path), valueAt(lost, path)]
    return { path, ...(here === undefined ? {} : { now: here }), ...(there === undefined ? {} : { lost: there }) }
  })
}

/**
 * The body that restoring makes of the present one, with all that lost or with the fields asked for; null deletes.
 * Throws `invalid-request` for a field that did not lose.
 */
export function restoredBody(conflict: Losing, present: JsonObject, paths?: readonly string[]): JsonObject | null {
  if (conflict.deleted) return paths ? refuse('', 'A delete lost: it has no fields.') : null
  return lostFields(conflict, paths).reduce((body, { path, value }) => withValueAt(body, path, value), present)
}

function lostFields({ body, fields }: Losing, paths: readonly string[] | undefined): readonly LostField[] {
  const all = fields ?? [{ path: '', value: body ?? {} }]
  if (!paths) return all
  return paths.map((path) => {
    const around = all.find((field) => path === field.path || path.startsWith(`${field.path}/`))
    if (!around) return refuse(path, `${path} did not lose.`)
    const value = valueAt({ value: around.value ?? null }, `/value${path.slice(around.path.length)}`)
    return around.value === undefined || value === undefined ? { path } : { path, value }
  })
}

function refuse(path: string, detail: string): never {
  throw new CatamaranError('invalid-request', detail, {
    errors: [{ pointer: '/fields', detail: `${path}: ${detail}` }],
  })
}
