import type { Precondition } from '../core/records.ts'
import { CatamaranError } from '../domain/errors.ts'

const entityTag = /^(W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/
const entityTagsMax = 50

/** The entity tags of an If-Match or If-None-Match header, `*` alone as itself. Throws `invalid-request`. */
export function parseEntityTags(name: string, value: string): readonly string[] {
  if (value.trim() === '*') return ['*']
  const tags = value
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '')
  if (tags.length > 0 && tags.length <= entityTagsMax && tags.every((tag) => entityTag.test(tag))) return tags
  throw new CatamaranError('invalid-request', `${name} must be * or a list of entity tags in double quotes.`)
}

/**
 * The precondition of a mutation (RFC 9110, 13.1). `required` answers 428 to a request that states none (RFC 6585).
 * Entity tags are compared strongly, so a weak one never matches.
 */
export function preconditionOf(
  headers: { readonly ifMatch: string | undefined; readonly ifNoneMatch: string | undefined },
  rules: { readonly required: boolean; readonly mayCreate: boolean },
): Precondition {
  const { ifMatch, ifNoneMatch } = headers
  if (ifMatch !== undefined && ifNoneMatch !== undefined) {
    throw new CatamaranError('invalid-request', 'If-Match and If-None-Match exclude each other.')
  }
  if (ifNoneMatch !== undefined) {
    if (rules.mayCreate && ifNoneMatch.trim() === '*') return { kind: 'absent' }
    throw new CatamaranError(
      'invalid-request',
      `If-None-Match ${rules.mayCreate ? 'must be *' : 'has no meaning'} here.`,
    )
  }
  if (ifMatch !== undefined) {
    const tags = parseEntityTags('If-Match', ifMatch)
    return tags[0] === '*' ? { kind: 'exists' } : { kind: 'match', etags: tags.filter((tag) => !tag.startsWith('W/')) }
  }
  if (!rules.required) return { kind: 'none' }
  const create = rules.mayCreate ? ', or If-None-Match: * to create' : ''
  throw new CatamaranError(
    'precondition-required',
    `Send If-Match with the ETag you have read (or * for whatever is there)${create}.`,
  )
}

/** Whether If-None-Match says that the client has this representation (weak comparison, for GET and HEAD). */
export function clientHas(etag: string, ifNoneMatch: string | undefined): boolean {
  if (ifNoneMatch === undefined) return false
  const tags = parseEntityTags('If-None-Match', ifNoneMatch)
  return tags[0] === '*' || tags.some((tag) => tag.replace(/^W\//, '') === etag)
}

/** Throws `precondition-failed` when a read's If-Match names other representations than the present one. */
export function assertIfMatch(etag: string, ifMatch: string | undefined): void {
  if (ifMatch === undefined) return
  const tags = parseEntityTags('If-Match', ifMatch)
  if (tags[0] === '*' || tags.includes(etag)) return
  throw new CatamaranError('precondition-failed', 'It is not what If-Match asks for.', { current: { etag } })
}
