import { createHmac, timingSafeEqual } from 'node:crypto'
import { CatamaranError } from '../domain/errors.ts'
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../domain/json.ts'

const macBytes = 16
/** Longer than any cursor that is ever handed out. */
const cursorCharsMax = 4096

/**
 * A place in a list as text that a client can only hand back: base64url of HMAC-SHA256 (first 16 bytes) and the JSON.
 * `scope` names all that the cursor depends on (tenant, endpoint, filters): it is valid nowhere else, and at both sites.
 */
export function sealCursor(key: Uint8Array, scope: Json, payload: JsonObject): string {
  const text = Buffer.from(canonicalJson(payload))
  return Buffer.concat([mac(key, scope, text), text]).toString('base64url')
}

/** Throws `invalid-cursor` when the text was not made here for this scope. */
export function openCursor(key: Uint8Array, scope: Json, cursor: string): JsonObject {
  const bytes = Buffer.from(cursor.length <= cursorCharsMax ? cursor : '', 'base64url')
  const text = bytes.subarray(macBytes)
  // Base64url has several spellings of the same bytes; only the one we made is taken.
  const genuine =
    bytes.length > macBytes &&
    bytes.toString('base64url') === cursor &&
    timingSafeEqual(bytes.subarray(0, macBytes), mac(key, scope, text))
  const payload: unknown = genuine ? JSON.parse(text.toString()) : undefined
  if (isJsonObject(payload)) return payload
  throw new CatamaranError('invalid-cursor', 'The cursor is damaged or belongs to another list, filter or tenant.')
}

const mac = (key: Uint8Array, scope: Json, text: Uint8Array): Buffer =>
  createHmac('sha256', key).update(canonicalJson(scope)).update('\n').update(text).digest().subarray(0, macBytes)
