import { isJsonObject, type Json, type JsonObject } from '../../../shared/domain/json.ts'
import { badRequest, preconditionFailed } from './errors.ts'
import { evaluate } from './sql-evaluate.ts'
import { parseQuery } from './sql-parser.ts'

export interface PatchOperation {
  readonly op: string
  readonly path: string
  readonly value?: Json
  readonly from?: string
}

export type PatchBody =
  | readonly PatchOperation[]
  | { readonly operations: readonly PatchOperation[]; readonly condition?: string }

const operationsMax = 10

type Holder = JsonObject | Json[]

/** The value that holds the last step of a JSON pointer, and that step. */
function locate(document: JsonObject, pointer: string): { holder: Holder; name: string } {
  const steps = pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  const name = steps.pop()
  if (!pointer.startsWith('/') || name === undefined) throw badRequest(`The patch path '${pointer}' is not valid.`)
  let holder: Json | undefined = document
  for (const step of steps) holder = memberOf(holder, step)
  if (Array.isArray(holder) || isJsonObject(holder)) return { holder, name }
  throw badRequest(`The patch path '${pointer}' leads nowhere.`)
}

function memberOf(holder: Json | undefined, name: string): Json | undefined {
  if (Array.isArray(holder)) return holder[Number(name)]
  return isJsonObject(holder) && Object.hasOwn(holder, name) ? holder[name] : undefined
}

function indexOf(name: string, max: number): number {
  const index = Number(name)
  if (!Number.isInteger(index) || index < 0 || index > max)
    throw badRequest(`The array index '${name}' is out of range.`)
  return index
}

function assign(holder: Holder, name: string, value: Json, insert: boolean): void {
  if (!Array.isArray(holder)) {
    Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true })
    return
  }
  if (name === '-') holder.push(value)
  else {
    const index = indexOf(name, holder.length)
    if (insert) holder.splice(index, 0, value)
    else holder[index] = value
  }
}

function take(holder: Holder, name: string): Json {
  const value = memberOf(holder, name)
  if (value === undefined) throw badRequest(`The patch path '${name}' does not exist.`)
  if (Array.isArray(holder)) holder.splice(indexOf(name, holder.length - 1), 1)
  else delete holder[name]
  return value
}

function applyOne(document: JsonObject, operation: PatchOperation): void {
  const { holder, name } = locate(document, operation.path)
  const { value } = operation
  switch (operation.op) {
    case 'add':
    case 'set':
      if (value === undefined) throw badRequest('The patch operation has no value.')
      assign(holder, name, value, operation.op === 'add')
      return
    case 'replace':
      if (value === undefined || memberOf(holder, name) === undefined) {
        throw badRequest(`There is nothing to replace at '${operation.path}'.`)
      }
      assign(holder, name, value, false)
      return
    case 'remove':
      take(holder, name)
      return
    case 'incr': {
      const old = memberOf(holder, name) ?? 0
      if (typeof old !== 'number' || typeof value !== 'number') throw badRequest('Only a number can be incremented.')
      assign(holder, name, old + value, false)
      return
    }
    case 'move': {
      const from = locate(document, operation.from ?? '')
      assign(holder, name, take(from.holder, from.name), true)
      return
    }
    default:
      throw badRequest(`'${operation.op}' is not a patch operation.`)
  }
}

/** A patched copy. Throws 400 for what cannot be applied, 412 when the condition does not hold. */
export function applyPatch(document: JsonObject, patch: PatchBody): JsonObject {
  const { operations, condition } = 'operations' in patch ? patch : { operations: patch, condition: undefined }
  if (!Array.isArray(operations) || operations.length === 0) throw badRequest('The patch holds no operations.')
  if (operations.length > operationsMax) throw badRequest(`A patch holds at most ${operationsMax} operations.`)
  if (condition !== undefined) {
    const query = parseQuery(`SELECT * ${condition}`)
    const holds =
      query.where && evaluate(query.where.condition, { alias: query.alias, document, parameters: new Map() })
    if (holds !== true) throw preconditionFailed()
  }
  const copy = structuredClone(document)
  for (const operation of operations) applyOne(copy, operation)
  return copy
}
