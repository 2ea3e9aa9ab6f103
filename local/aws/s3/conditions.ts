import type { S3Call } from './call.ts'
import type { Version } from './model.ts'
import { S3Error } from './errors.ts'

const listed = (header: string): string[] =>
  header.split(',').map((etag) => etag.trim().replace(/^W\//, '').replace(/^"|"$/g, ''))

const matches = (header: string, version: Version): boolean =>
  listed(header).some((etag) => etag === '*' || etag === version.etag)

/** If-Match, If-None-Match and their dates, for reading. Source: RFC 9110, 13.2.2. Throws `PreconditionFailed`, `NotModified`. */
export function checkRead(call: S3Call, version: Version, prefix = ''): void {
  const get = (name: string): string | undefined => call.headers[`${prefix}${name}`]
  const seconds = Math.floor(version.modifiedMs / 1000)
  const ifMatch = get('if-match')
  const ifNoneMatch = get('if-none-match')
  const since = (name: string): number => Date.parse(get(name) ?? '') / 1000
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, version)) throw failed('If-Match')
  } else if (seconds > since('if-unmodified-since')) throw failed('If-Unmodified-Since')
  const unchanged = ifNoneMatch !== undefined ? matches(ifNoneMatch, version) : seconds <= since('if-modified-since')
  if (!unchanged) return
  if (prefix) throw failed('If-None-Match')
  throw new S3Error('NotModified', undefined, {}, { etag: `"${version.etag}"` })
}

/** If-None-Match: * and If-Match, for writing. Evaluate inside the transaction that writes. */
export function checkWrite(call: S3Call, current: Version | undefined): void {
  const present = current && !current.deleteMarker ? current : undefined
  const ifNoneMatch = call.headers['if-none-match']
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch.trim() !== '*') {
      throw new S3Error('NotImplemented', 'A header you provided implies functionality that is not implemented', {
        Header: 'If-None-Match',
      })
    }
    if (present) throw failed('If-None-Match')
  }
  const ifMatch = call.headers['if-match']
  if (ifMatch === undefined) return
  if (!present) throw new S3Error('NoSuchKey', undefined, { Key: call.key })
  if (!matches(ifMatch, present)) throw failed('If-Match')
}

const failed = (condition: string): S3Error => new S3Error('PreconditionFailed', undefined, { Condition: condition })

export interface Range {
  readonly first: number
  readonly last: number
}

/** A single byte range; undefined means the whole. Malformed and multiple ranges are ignored, as S3 does. Throws `InvalidRange`. */
export function rangeOf(header: string | undefined, bytes: number): Range | undefined {
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '') ?? []
  if (from === undefined || to === undefined || (from === '' && to === '')) return undefined
  const first = from === '' ? Math.max(bytes - Number(to), 0) : Number(from)
  const last = from === '' || to === '' ? bytes - 1 : Math.min(Number(to), bytes - 1)
  if (from !== '' && to !== '' && Number(to) < Number(from)) return undefined
  if (first >= bytes || first > last) {
    const fields = { RangeRequested: header ?? '', ActualObjectSize: String(bytes) }
    throw new S3Error('InvalidRange', undefined, fields, { 'content-range': `bytes */${bytes}` })
  }
  return { first, last }
}
