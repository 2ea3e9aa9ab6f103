import { CatamaranError } from '../domain/errors.ts'
import type { Json, JsonObject } from '../domain/json.ts'
import { seal, unseal } from './sealed-text.ts'
import type { Signing } from './signing.ts'

/** A place in a list as text. `scope` names the list: tenant, endpoint, filters. */
export const sealCursor = (signing: Signing, scope: Json, payload: JsonObject): string =>
  seal(signing, 'cursor', scope, payload)

/** Throws `invalid-cursor` when neither site made the text for this scope. */
export function openCursor(signing: Signing, scope: Json, cursor: string): JsonObject {
  const payload = unseal(signing, 'cursor', scope, cursor)
  if (payload !== undefined) return payload
  throw new CatamaranError(
    'invalid-cursor',
    'The cursor is damaged, no longer good, or belongs to another list, filter or tenant. Begin without one.',
  )
}
