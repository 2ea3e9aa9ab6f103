import { bucketOf, isoTime, quoted, xmlAnswer, type Operation, type S3Call } from './call.ts'
import type { Version } from './model.ts'
import { S3Error } from './errors.ts'
import type { XmlValue } from './xml.ts'

const pageMax = 1000
/** Sorts behind every key that begins with the text before it. */
const last = '\u{10ffff}'
const owner = { ID: 'local', DisplayName: 'local' }

interface Listing {
  readonly prefix: string
  readonly delimiter: string
  readonly limit: number
  /** Encodes keys when the client asked for it. */
  readonly name: (key: string) => string
  readonly encodingType: string | undefined
}

function listingOf({ query }: S3Call, limitName: string): Listing {
  const limit = Number(query.get(limitName) ?? pageMax)
  if (!Number.isInteger(limit) || limit < 0) throw new S3Error('InvalidArgument', `Provided ${limitName} is invalid`)
  const encodingType = query.get('encoding-type') ?? undefined
  if (encodingType !== undefined && encodingType !== 'url')
    throw new S3Error('InvalidArgument', 'Invalid Encoding Method')
  return {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    limit: Math.min(limit, pageMax),
    name: encodingType ? (key) => encodeURIComponent(key).replaceAll('%2F', '/') : (key) => key,
    encodingType,
  }
}

/** The part of `key` up to the first delimiter behind the prefix. */
function commonPrefix(key: string, { prefix, delimiter }: Listing): string | undefined {
  if (delimiter === '') return undefined
  const at = key.indexOf(delimiter, prefix.length)
  return at < 0 ? undefined : key.slice(0, at + delimiter.length)
}

interface Page {
  readonly versions: readonly Version[]
  readonly prefixes: readonly string[]
  readonly truncated: boolean
  /** The last entry: a common prefix or the version. */
  readonly lastName: string
  readonly lastVersion?: Version
}

/** Walks from one entry to the next; a common prefix is entered once and then jumped over. */
function pageOf(
  listing: Listing,
  after: string,
  next: (key: string, inclusive: boolean, seq?: number) => Version | undefined,
  startSeq?: number,
): Page {
  const versions: Version[] = []
  const prefixes: string[] = []
  let lastName = ''
  let lastVersion: Version | undefined
  const afterPrefix = commonPrefix(after, listing)
  const jump = afterPrefix !== undefined && after.startsWith(listing.prefix)
  const from = jump ? afterPrefix + last : after
  const page = () => ({ versions, prefixes, lastName, ...(lastVersion ? { lastVersion } : {}) })
  if (listing.limit === 0) return { ...page(), truncated: false }
  let version = from < listing.prefix ? next(listing.prefix, true) : next(from, false, jump ? undefined : startSeq)
  while (version?.key.startsWith(listing.prefix)) {
    if (versions.length + prefixes.length === listing.limit) return { ...page(), truncated: true }
    const common = commonPrefix(version.key, listing)
    lastName = common ?? version.key
    lastVersion = common === undefined ? version : undefined
    if (common === undefined) versions.push(version)
    else prefixes.push(common)
    version = common === undefined ? next(version.key, false, version.seq) : next(common + last, false)
  }
  return { ...page(), truncated: false }
}

const contentsOf = (
  { key, modifiedMs, etag, bytes, checksum }: Version,
  name: Listing['name'],
  withOwner: boolean,
) => ({
  Key: name(key),
  LastModified: isoTime(modifiedMs),
  ETag: quoted(etag),
  ChecksumAlgorithm: checksum?.name,
  ChecksumType: checksum?.type,
  Size: bytes,
  StorageClass: 'STANDARD',
  Owner: withOwner ? owner : undefined,
})

function shared(bucket: string, listing: Listing, page: Page): { [name: string]: XmlValue } {
  return {
    Name: bucket,
    Prefix: listing.name(listing.prefix),
    Delimiter: listing.delimiter === '' ? undefined : listing.name(listing.delimiter),
    EncodingType: listing.encodingType,
    MaxKeys: listing.limit,
    IsTruncated: page.truncated,
    CommonPrefixes: page.prefixes.map((prefix) => ({ Prefix: listing.name(prefix) })),
  }
}

export const listObjectsV2: Operation = (call, state) => {
  bucketOf(call, state)
  const listing = listingOf(call, 'max-keys')
  const token = call.query.get('continuation-token') ?? undefined
  const startAfter = call.query.get('start-after') ?? ''
  const after = token === undefined ? startAfter : Buffer.from(token, 'base64url').toString('utf8')
  const page = pageOf(listing, after, (key, inclusive) => state.database.nextObject(call.bucket, key, inclusive))
  const withOwner = call.query.get('fetch-owner') === 'true'
  return xmlAnswer('ListBucketResult', {
    ...shared(call.bucket, listing, page),
    KeyCount: page.versions.length + page.prefixes.length,
    ContinuationToken: token,
    StartAfter: startAfter === '' ? undefined : listing.name(startAfter),
    NextContinuationToken: page.truncated ? Buffer.from(page.lastName).toString('base64url') : undefined,
    Contents: page.versions.map((version) => contentsOf(version, listing.name, withOwner)),
  })
}

export const listObjectsV1: Operation = (call, state) => {
  bucketOf(call, state)
  const listing = listingOf(call, 'max-keys')
  const marker = call.query.get('marker') ?? ''
  const page = pageOf(listing, marker, (key, inclusive) => state.database.nextObject(call.bucket, key, inclusive))
  return xmlAnswer('ListBucketResult', {
    ...shared(call.bucket, listing, page),
    Marker: listing.name(marker),
    NextMarker: page.truncated && listing.delimiter !== '' ? listing.name(page.lastName) : undefined,
    Contents: page.versions.map((version) => contentsOf(version, listing.name, true)),
  })
}

export const listVersions: Operation = (call, state) => {
  bucketOf(call, state)
  const { database } = state
  const listing = listingOf(call, 'max-keys')
  const keyMarker = call.query.get('key-marker') ?? ''
  const idMarker = call.query.get('version-id-marker') ?? ''
  const marked = idMarker === '' ? undefined : database.version(call.bucket, keyMarker, idMarker)
  const next = (key: string, inclusive: boolean, seq?: number) =>
    database.nextVersion(call.bucket, key, inclusive ? undefined : (seq ?? 0))
  const page = pageOf(listing, keyMarker, next, marked?.seq)
  const describe = (version: Version): { [name: string]: XmlValue } => ({
    ...contentsOf(version, listing.name, true),
    VersionId: version.versionId,
    IsLatest: version.latest,
  })
  const markerOf = ({ key, modifiedMs, versionId, latest }: Version) => ({
    Key: listing.name(key),
    LastModified: isoTime(modifiedMs),
    VersionId: versionId,
    IsLatest: latest,
    Owner: owner,
  })
  return xmlAnswer('ListVersionsResult', {
    ...shared(call.bucket, listing, page),
    KeyMarker: listing.name(keyMarker),
    VersionIdMarker: idMarker,
    NextKeyMarker: page.truncated ? listing.name(page.lastName) : undefined,
    NextVersionIdMarker: page.truncated ? page.lastVersion?.versionId : undefined,
    Version: page.versions.filter((version) => !version.deleteMarker).map(describe),
    DeleteMarker: page.versions.filter((version) => version.deleteMarker).map(markerOf),
  })
}

export const listUploads: Operation = (call, state) => {
  bucketOf(call, state)
  const listing = listingOf(call, 'max-uploads')
  const keyMarker = call.query.get('key-marker') ?? ''
  const idMarker = call.query.get('upload-id-marker') ?? ''
  const isAfter = (key: string, id: string) =>
    key > keyMarker || (key === keyMarker && idMarker !== '' && id > idMarker)
  const uploads = state.database
    .openUploads(call.bucket)
    .filter(({ key, id }) => key.startsWith(listing.prefix) && isAfter(key, id))
  const shown = uploads.slice(0, listing.limit)
  const final = shown.at(-1)
  const truncated = uploads.length > shown.length
  return xmlAnswer('ListMultipartUploadsResult', {
    Bucket: call.bucket,
    Prefix: listing.name(listing.prefix),
    KeyMarker: listing.name(keyMarker),
    UploadIdMarker: idMarker,
    NextKeyMarker: truncated && final ? listing.name(final.key) : undefined,
    NextUploadIdMarker: truncated ? final?.id : undefined,
    EncodingType: listing.encodingType,
    MaxUploads: listing.limit,
    IsTruncated: truncated,
    Upload: shown.map(({ key, id, initiatedMs }) => ({
      Key: listing.name(key),
      UploadId: id,
      Initiated: isoTime(initiatedMs),
      StorageClass: 'STANDARD',
      Owner: owner,
      Initiator: owner,
    })),
  })
}

export const listParts: Operation = (call, state) => {
  bucketOf(call, state)
  const upload = state.database.upload(call.query.get('uploadId') ?? '')
  if (!upload || upload.completed || upload.key !== call.key) throw new S3Error('NoSuchUpload')
  const { limit } = listingOf(call, 'max-parts')
  const marker = Number(call.query.get('part-number-marker') ?? 0)
  const parts = state.database.parts(upload.id).filter(({ part }) => part > marker)
  const shown = parts.slice(0, limit)
  return xmlAnswer('ListPartsResult', {
    Bucket: call.bucket,
    Key: call.key,
    UploadId: upload.id,
    PartNumberMarker: marker,
    NextPartNumberMarker: shown.at(-1)?.part ?? 0,
    MaxParts: limit,
    IsTruncated: parts.length > shown.length,
    StorageClass: 'STANDARD',
    ChecksumAlgorithm: upload.checksum?.name,
    ChecksumType: upload.checksum?.type,
    Part: shown.map(({ part, bytes, etag, modifiedMs, checksum }) => ({
      PartNumber: part,
      LastModified: isoTime(modifiedMs),
      ETag: quoted(etag),
      Size: bytes,
      [`Checksum${checksum.name}`]: checksum.value,
    })),
  })
}
