import { isJsonObject, type Json, jsonEqual } from '../../../shared/domain/json.ts'
import { badRequest } from './errors.ts'

type Value = Json | undefined

/** % is any run, _ one character, [..] a set; the whole value must match. */
export function likePattern(pattern: string): RegExp {
  const source = pattern
    .replace(/[\\^$.*+?()|{}]/gu, '\\$&')
    .replaceAll('%', '.*')
    .replaceAll('_', '.')
  return new RegExp(`^${source}$`, 'su')
}

const text =
  (test: (value: string, part: string) => Value) =>
  ([value, part, ignoreCase]: Value[]): Value => {
    if (typeof value !== 'string' || typeof part !== 'string') return undefined
    return ignoreCase === true ? test(value.toLowerCase(), part.toLowerCase()) : test(value, part)
  }

const number =
  (map: (value: number) => number) =>
  ([value]: Value[]): Value =>
    typeof value === 'number' ? map(value) : undefined

const textMap =
  (map: (value: string) => Value) =>
  ([value]: Value[]): Value =>
    typeof value === 'string' ? map(value) : undefined

/** With `partial`, an object matches an element that has all its members. */
function arrayContains([array, item, partial]: Value[]): Value {
  if (!Array.isArray(array) || item === undefined) return undefined
  return array.some((element) => {
    if (partial === true && isJsonObject(item) && isJsonObject(element)) {
      return Object.entries(item).every(([name, value]) => {
        const other = element[name]
        return other !== undefined && jsonEqual(other, value)
      })
    }
    return jsonEqual(element, item)
  })
}

const functions: Record<string, (args: Value[]) => Value> = {
  IS_DEFINED: ([value]) => value !== undefined,
  IS_NULL: ([value]) => value === null,
  IS_STRING: ([value]) => typeof value === 'string',
  IS_NUMBER: ([value]) => typeof value === 'number',
  IS_BOOL: ([value]) => typeof value === 'boolean',
  IS_ARRAY: ([value]) => Array.isArray(value),
  IS_OBJECT: ([value]) => isJsonObject(value),
  IS_PRIMITIVE: ([value]) => value === null || ['string', 'number', 'boolean'].includes(typeof value),
  STARTSWITH: text((value, part) => value.startsWith(part)),
  ENDSWITH: text((value, part) => value.endsWith(part)),
  CONTAINS: text((value, part) => value.includes(part)),
  STRINGEQUALS: text((value, part) => value === part),
  INDEX_OF: text((value, part) => value.indexOf(part)),
  ARRAY_CONTAINS: arrayContains,
  ARRAY_LENGTH: ([value]) => (Array.isArray(value) ? value.length : undefined),
  LENGTH: textMap((value) => value.length),
  LOWER: textMap((value) => value.toLowerCase()),
  UPPER: textMap((value) => value.toUpperCase()),
  TRIM: textMap((value) => value.trim()),
  TOSTRING: ([value]) => (value === undefined ? undefined : typeof value === 'string' ? value : JSON.stringify(value)),
  CONCAT: (args) => (args.every((arg) => typeof arg === 'string') ? args.join('') : undefined),
  SUBSTRING: ([value, start, length]) =>
    typeof value === 'string' && typeof start === 'number' && typeof length === 'number'
      ? value.substr(start, length)
      : undefined,
  ABS: number(Math.abs),
  FLOOR: number(Math.floor),
  CEILING: number(Math.ceil),
  ROUND: number(Math.round),
  GETCURRENTTIMESTAMP: () => Date.now(),
}

export function callFunction(name: string, args: Value[]): Value {
  const found = functions[name]
  if (found === undefined) throw badRequest(`'${name}' is not a recognized built-in function name.`)
  return found(args)
}

export const aggregateNames = ['COUNT', 'SUM', 'MIN', 'MAX', 'AVG']
