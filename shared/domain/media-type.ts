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

const typesByExtension: Readonly<Record<string, string>> = {
  avif: 'image/avif',
  csv: 'text/csv',
  gif: 'image/gif',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  json: 'application/json',
  jsonl: 'application/x-ndjson',
  m4a: 'audio/mp4',
  mov: 'video/quicktime',
  mp3: 'audio/mpeg',
  mp4: 'video/mp4',
  ndjson: 'application/x-ndjson',
  pdf: 'application/pdf',
  png: 'image/png',
  tsv: 'text/tab-separated-values',
  wav: 'audio/wav',
  webm: 'video/webm',
  webp: 'image/webp',
}

/** Types that stores give to files of which they were told nothing. */
const unknownTypes = new Set(['', 'application/octet-stream', 'binary/octet-stream'])

/**
 * The type of a dropped file as far as it is known before its bytes are read: what the store says, else what its name says.
 * A hint at most, so never a reason to refuse it.
 */
export function mediaTypeHint(text: string, fileName: string): string {
  const type = text.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (type.length <= mediaTypeBytesMax && pattern.test(type) && !unknownTypes.has(type)) return type
  const extension = /\.([a-z0-9]{1,8})$/i.exec(fileName)?.[1]?.toLowerCase() ?? ''
  return typesByExtension[extension] ?? 'application/octet-stream'
}
