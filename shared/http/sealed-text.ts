import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../domain/json.ts'
import { exactBytes, signatureBytes, type Purpose, type Signing } from './signing.ts'

/** Longer than any that is ever handed out. */
const sealedCharsMax = 4096

/**
 * JSON that a client can read and only hand back: base64url of its signature and its text. `scope` is signed along and
 * names all that it depends on: it is valid nowhere else, and at both sites.
 */
export function seal(signing: Signing, purpose: Purpose, scope: Json, payload: JsonObject): string {
  const text = canonicalJson(payload)
  return Buffer.concat([signing.sign(purpose, scoped(scope, text)), Buffer.from(text)]).toString('base64url')
}

/** What was sealed; undefined when neither site sealed it for this purpose and this scope. */
export function unseal(signing: Signing, purpose: Purpose, scope: Json, sealed: string): JsonObject | undefined {
  const bytes = sealed.length <= sealedCharsMax ? exactBytes(sealed) : undefined
  if (bytes === undefined || bytes.length <= signatureBytes) return undefined
  const text = bytes.toString('utf8', signatureBytes)
  if (!signing.verify(purpose, scoped(scope, text), bytes.subarray(0, signatureBytes))) return undefined
  const payload: unknown = JSON.parse(text)
  return isJsonObject(payload) ? payload : undefined
}

const scoped = (scope: Json, text: string): string => `${canonicalJson(scope)}\n${text}`
