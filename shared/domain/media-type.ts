import { CatamaranError } from './errors.ts'

const mediaTypeBytesMax = 127
const pattern = /^([a-z0-9][a-z0-9!#$&^_.+-]*)\/([a-z0-9][a-z0-9!#$&^_.+-]*)$/

/** A media type without parameters, in lower case (RFC 6838). Throws `invalid-request`. */
export function parseMediaType(text: string): string {
  const type = text.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (type.length > mediaTypeBytesMax || !pattern.test(type)) {
    throw new CatamaranError('invalid-request', `Not a media type: ${JSON.stringify(text.slice(0, 60))}`, {
      errors: [{ pointer: '/mediaType', detail: 'must be like image/jpeg' }],
    })
  }
  return type
}

/** What a store says about a dropped file is a hint at most: never a reason to refuse it. */
export function mediaTypeHint(text: string): string {
  const type = text.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  return type.length <= mediaTypeBytesMax && pattern.test(type) ? type : 'application/octet-stream'
}
