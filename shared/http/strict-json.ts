import { CatamaranError } from '../domain/errors.ts'
import type { Json, JsonObject } from '../domain/json.ts'

/** Objects and arrays inside each other, at most. */
export const jsonDepthMax = 64

const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
// biome-ignore lint/suspicious/noControlCharactersInRegex: these end a run
const plain = /[^"\\\u0000-\u001f]*/y

/**
 * Parses JSON as RFC 8259 and I-JSON (RFC 7493) have it: no duplicate members, no lone surrogates, numbers within a double.
 * A member named `__proto__` is refused, and so is anything deeper than `jsonDepthMax`.
 * Throws `invalid-request` with the line and column (from 1) and a pointer to the value.
 */
export function parseStrictJson(text: string): Json {
  const parser: Parser = { text, at: 0, path: [] }
  skipSpace(parser)
  const value = readValue(parser)
  skipSpace(parser)
  if (parser.at < text.length) throw fault(parser, 'There is more after the JSON value')
  return value
}

interface Parser {
  readonly text: string
  at: number
  readonly path: (string | number)[]
}

const literals: Readonly<Record<string, { readonly word: string; readonly value: Json }>> = {
  t: { word: 'true', value: true },
  f: { word: 'false', value: false },
  n: { word: 'null', value: null },
}

function readValue(parser: Parser): Json {
  const char = parser.text[parser.at]
  if (char === '{') return readObject(parser)
  if (char === '[') return readArray(parser)
  if (char === '"') return readString(parser)
  const literal = char === undefined ? undefined : literals[char]
  if (literal && parser.text.startsWith(literal.word, parser.at)) {
    parser.at += literal.word.length
    return literal.value
  }
  number.lastIndex = parser.at
  const found = number.exec(parser.text)?.[0]
  if (found === undefined) throw fault(parser, char === undefined ? 'The text ends too early' : 'A value was expected')
  const value = Number(found)
  if (!Number.isFinite(value)) throw fault(parser, 'A number too large for a double')
  parser.at += found.length
  return value
}

function readObject(parser: Parser): JsonObject {
  const object: JsonObject = {}
  enter(parser)
  if (take(parser, '}')) return object
  for (;;) {
    const nameAt = parser.at
    if (parser.text[parser.at] !== '"') throw fault(parser, 'A member name in double quotes was expected')
    const name = readString(parser)
    if (Object.hasOwn(object, name))
      throw fault({ ...parser, at: nameAt }, `The member ${JSON.stringify(name)} occurs twice`)
    if (name === '__proto__') throw fault({ ...parser, at: nameAt }, 'The member name "__proto__" is not allowed')
    skipSpace(parser)
    if (!take(parser, ':')) throw fault(parser, 'A colon was expected')
    object[name] = readInside(parser, name)
    if (take(parser, '}')) return object
    if (!take(parser, ',')) throw fault(parser, 'A comma or } was expected')
  }
}

function readArray(parser: Parser): Json[] {
  const array: Json[] = []
  enter(parser)
  if (take(parser, ']')) return array
  for (;;) {
    array.push(readInside(parser, array.length))
    if (take(parser, ']')) return array
    if (!take(parser, ',')) throw fault(parser, 'A comma or ] was expected')
  }
}

function readInside(parser: Parser, step: string | number): Json {
  parser.path.push(step)
  const value = readValue(parser)
  parser.path.pop()
  skipSpace(parser)
  return value
}

function enter(parser: Parser): void {
  if (parser.path.length >= jsonDepthMax) throw fault(parser, `Nested deeper than ${jsonDepthMax} levels`)
  parser.at += 1
  skipSpace(parser)
}

function take(parser: Parser, char: string): boolean {
  if (parser.text[parser.at] !== char) return false
  parser.at += 1
  skipSpace(parser)
  return true
}

function readString(parser: Parser): string {
  const { text, at: start } = parser
  let escaped = false
  let at = start + 1
  for (;;) {
    // A sticky test moves along at native speed and makes no garbage.
    plain.lastIndex = at
    plain.test(text)
    at = plain.lastIndex
    const code = text.charCodeAt(at)
    if (code === 0x22) break
    if (Number.isNaN(code)) throw fault({ ...parser, at }, 'The text ends inside a string')
    if (code < 0x20) throw fault({ ...parser, at }, 'A control character in a string must be escaped')
    escaped = true
    at += 2
  }
  const value = escaped ? unescape(parser, text.slice(start, at + 1)) : text.slice(start + 1, at)
  if (!value.isWellFormed()) throw fault(parser, 'A string with half of a surrogate pair')
  parser.at = at + 1
  return value
}

function unescape(parser: Parser, quoted: string): string {
  try {
    return JSON.parse(quoted) as string
  } catch {
    throw fault(parser, 'A string with a wrong escape')
  }
}

function skipSpace(parser: Parser): void {
  for (;;) {
    const code = parser.text.charCodeAt(parser.at)
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return
    parser.at += 1
  }
}

function fault(parser: Parser, reason: string): CatamaranError {
  const before = parser.text.slice(0, parser.at)
  const line = before.split('\n').length
  const column = parser.at - before.lastIndexOf('\n')
  const detail = `${reason}, at line ${line}, column ${column}.`
  return new CatamaranError('invalid-request', `The JSON is not acceptable. ${detail}`, {
    errors: [{ pointer: jsonPointer(parser.path), detail }],
  })
}

/** RFC 6901. */
export const jsonPointer = (path: readonly PropertyKey[]): string =>
  path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
