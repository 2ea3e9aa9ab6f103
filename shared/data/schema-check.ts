import { createContext, Script } from 'node:vm'
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { CatamaranError } from '../domain/errors.ts'
import type { JsonObject } from '../domain/json.ts'
import { errorCode } from './error-code.ts'
import { assertRowSchema, dialectOf } from './row-schema.ts'
import type { RowItem } from './row.ts'
import { typeOfText } from './types.ts'

const compileMsMax = 2_000
/** A stretch of rows ends of itself after the first, so that a row still running at the second has itself to blame. */
const stretchMs = 250
const stretchMsMax = 1_000
const slowRowsMax = 10
const reasonCharactersMax = 200
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

const settings = {
  strict: false,
  // References that multiply would make code without end.
  inlineRefs: false,
  // A row may have a member named as an inherited one is.
  ownProperties: true,
  logger: false,
  formats: {
    date: (text: string) => typeOfText(text) === 'date',
    'date-time': (text: string) => /[Zz]|[+-]\d\d:?\d\d$/.test(text) && typeOfText(text.toUpperCase()) === 'datetime',
    uuid,
  },
} as const

/**
 * A check that makes bad rows of those that don't fit a JSON Schema. Schemas come from users: compiling and every row are
 * bounded in time, whatever patterns and references they hold. Throws `invalid-media` when the schema can't be used, and
 * when it is too slow on too many rows.
 */
export function schemaCheck(
  schema: JsonObject,
  { dropNulls }: { readonly dropNulls: boolean },
): (batch: readonly RowItem[]) => RowItem[] {
  const within = timeGuard()
  const validate = compile(schema, within)
  let slowRows = 0
  return (batch) => {
    const checked: RowItem[] = []
    const stretch = (): void => {
      const endMs = performance.now() + stretchMs
      while (checked.length < batch.length && performance.now() < endMs) {
        const item = batch[checked.length] as RowItem
        checked.push('row' in item ? checkedRow(item, validate, dropNulls) : item)
      }
    }
    while (checked.length < batch.length) {
      if (within(stretch, stretchMsMax)) continue
      if (++slowRows > slowRowsMax) throw unusable(`takes more than ${stretchMsMax} ms on each of many rows`)
      const { line } = batch[checked.length] as RowItem
      checked.push({ line, error: 'The schema takes too long on this row' })
    }
    return checked
  }
}

const unusable = (why: string, cause?: unknown): CatamaranError =>
  new CatamaranError('invalid-media', `The row schema ${why}.`.slice(0, 2 * reasonCharactersMax), { cause })

function compile(schema: JsonObject, within: TimeGuard): ValidateFunction {
  const compiled: { validate?: ValidateFunction } = {}
  try {
    assertRowSchema(schema)
    const ajv = dialectOf(schema) === 'draft-07' ? new Ajv(settings) : new Ajv2020(settings)
    const inTime = within(() => void (compiled.validate = ajv.compile(schema)), compileMsMax)
    if (!inTime) throw unusable('takes too long to read')
  } catch (error) {
    throw unusable(`cannot be used: ${messageOf(error)}`, error)
  }
  if (!compiled.validate) throw unusable('cannot be used')
  return compiled.validate
}

const messageOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : 'unreadable'

function checkedRow(
  item: { readonly line: number; readonly row: JsonObject },
  validate: ValidateFunction,
  dropNulls: boolean,
): RowItem {
  try {
    if (validate(dropNulls ? withoutNulls(item.row) : item.row)) return item
  } catch (error) {
    throw unusable(`cannot be used: ${messageOf(error)}`, error)
  }
  return { line: item.line, error: reasonOf(validate.errors?.[0]) }
}

function withoutNulls(row: JsonObject): JsonObject {
  const values = Object.values(row)
  if (!values.includes(null)) return row
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null))
}

function reasonOf(error: ErrorObject | undefined): string {
  const place = error?.instancePath ? `${error.instancePath} ` : 'The row '
  return `${place}${error?.message ?? 'does not fit the schema'}`.slice(0, reasonCharactersMax)
}

type TimeGuard = (act: () => void, ms: number) => boolean

/** Runs something without awaits and stops it, even in the midst of a regular expression: then the answer is false. */
function timeGuard(): TimeGuard {
  const box: { act: () => void } = { act: () => undefined }
  const context = createContext(box)
  const script = new Script('act()')
  return (act, ms) => {
    box.act = act
    try {
      script.runInContext(context, { timeout: ms })
      return true
    } catch (error) {
      if (errorCode(error) === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return false
      throw error
    }
  }
}
