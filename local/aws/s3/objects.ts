import { bucketOf, isoTime, quoted, xmlAnswer, type Operation, type S3Call, type S3State } from './call.ts'
import { checksumHeader, createHasher, isChecksumName, type Checksum } from './checksums.ts'
import { checkRead, rangeOf } from './conditions.ts'
import type { Bucket, Version } from './model.ts'
import { S3Error } from './errors.ts'
import { factsOf, lockOf, tagsOf } from './facts.ts'
import { putBytesMax, receive } from './upload.ts'
import { commitVersion, findVersion, removeObject, versionHeader } from './versions.ts'

const encrypted = { 'x-amz-server-side-encryption': 'AES256' }

export const checksumHeaders = (checksum: Checksum | undefined): Record<string, string> =>
  checksum ? { [checksumHeader(checksum.name)]: checksum.value, 'x-amz-checksum-type': checksum.type } : {}

export const putObject: Operation = async (call, state) => {
  const bucket = bucketOf(call, state)
  const about = { facts: factsOf(call), tags: tagsOf(call), lock: lockOf(call, bucket, state.now()) }
  const { segment, md5, checksum } = await receive(call, state)
  const draft = {
    ...about,
    key: call.key,
    deleteMarker: false,
    bytes: segment.bytes,
    etag: md5.toString('hex'),
    segments: [segment],
    checksum: { ...checksum, type: 'FULL_OBJECT' as const },
  }
  try {
    const { versionId } = commitVersion(call, state, draft, 'ObjectCreated:Put')
    return {
      headers: {
        etag: quoted(draft.etag),
        ...checksumHeaders(draft.checksum),
        ...versionHeader(versionId, bucket),
        ...encrypted,
      },
    }
  } catch (error) {
    state.blobs.remove([segment])
    throw error
  }
}

export const getObject: Operation = (call, state) => {
  const bucket = bucketOf(call, state)
  const version = findVersion(state, call.bucket, call.key, call.query.get('versionId') ?? undefined)
  checkRead(call, version)
  const range = rangeOf(call.headers.range, version.bytes)
  const bytes = range ? range.last - range.first + 1 : version.bytes
  const headers = {
    ...headersOf(call, bucket, version, range === undefined),
    'content-length': String(bytes),
    ...(range ? { 'content-range': `bytes ${range.first}-${range.last}/${version.bytes}` } : {}),
  }
  const status = range ? 206 : 200
  if (call.method === 'HEAD') return { status, headers }
  return {
    status,
    headers,
    body: state.blobs.read(version.segments, range?.first ?? 0, range?.last ?? version.bytes - 1),
  }
}

const overridable = ['type', 'language', 'expires', 'cache-control', 'disposition', 'encoding'] as const

function headersOf(call: S3Call, bucket: Bucket, version: Version, whole: boolean): Record<string, string> {
  const { facts, lock, tags } = version
  const headers: Record<string, string> = {
    'accept-ranges': 'bytes',
    'content-type': facts.contentType,
    etag: quoted(version.etag),
    'last-modified': new Date(version.modifiedMs).toUTCString(),
    ...facts.system,
    ...encrypted,
    ...versionHeader(version.versionId, bucket),
  }
  for (const [name, value] of Object.entries(facts.user)) headers[`x-amz-meta-${name}`] = value
  if (whole && call.headers['x-amz-checksum-mode']?.toUpperCase() === 'ENABLED') {
    Object.assign(headers, checksumHeaders(version.checksum))
  }
  if (tags.length > 0) headers['x-amz-tagging-count'] = String(tags.length)
  if (lock.mode) headers['x-amz-object-lock-mode'] = lock.mode
  if (lock.retainUntilMs) headers['x-amz-object-lock-retain-until-date'] = isoTime(lock.retainUntilMs)
  if (lock.legalHold) headers['x-amz-object-lock-legal-hold'] = 'ON'
  for (const name of overridable) {
    const value = call.query.get(
      `response-${name === 'expires' || name === 'cache-control' ? name : `content-${name}`}`,
    )
    if (value !== null) headers[name === 'expires' || name === 'cache-control' ? name : `content-${name}`] = value
  }
  return headers
}

export const deleteObject: Operation = (call, state) => {
  bucketOf(call, state)
  const removed = removeObject(call, state, call.key, call.query.get('versionId') ?? undefined)
  return {
    status: 204,
    headers: {
      ...(removed.versionId ? { 'x-amz-version-id': removed.versionId } : {}),
      ...(removed.deleteMarker ? { 'x-amz-delete-marker': 'true' } : {}),
    },
  }
}

/** The version that `x-amz-copy-source` names. */
export function copySource(call: S3Call, state: S3State): Version {
  const text = call.headers['x-amz-copy-source'] ?? ''
  const [path = '', query = ''] = text.replace(/^\//, '').split('?')
  let decoded: string
  try {
    decoded = decodeURIComponent(path)
  } catch {
    throw new S3Error('InvalidArgument', 'Invalid copy source encoding.')
  }
  const slash = decoded.indexOf('/')
  if (slash < 1) throw new S3Error('InvalidArgument', 'Copy Source must mention the source bucket and key')
  const bucket = decoded.slice(0, slash)
  if (!state.database.bucket(bucket)) throw new S3Error('NoSuchBucket', undefined, { BucketName: bucket })
  const version = findVersion(
    state,
    bucket,
    decoded.slice(slash + 1),
    new URLSearchParams(query).get('versionId') ?? undefined,
  )
  checkRead(call, version, 'x-amz-copy-source-')
  return version
}

export const copyObject: Operation = async (call, state) => {
  const bucket = bucketOf(call, state)
  const source = copySource(call, state)
  if (source.bytes > putBytesMax) throw new S3Error('InvalidRequest', 'The specified copy source is larger than 5 GiB.')
  const replaces = call.headers['x-amz-metadata-directive'] === 'REPLACE'
  if (!replaces && source.bucket === call.bucket && source.key === call.key && source.latest) {
    throw new S3Error(
      'InvalidRequest',
      'This copy request is illegal: it copies an object to itself without changing it.',
    )
  }
  const about = {
    facts: replaces ? factsOf(call) : source.facts,
    tags: call.headers['x-amz-tagging-directive'] === 'REPLACE' ? tagsOf(call) : source.tags,
    lock: lockOf(call, bucket, state.now()),
  }
  const segments = await state.blobs.copy(source.segments)
  try {
    const sums = await sumsOfCopy(call, state, source)
    const draft = { ...about, ...sums, key: call.key, deleteMarker: false, bytes: source.bytes, segments }
    const { versionId, modifiedMs } = commitVersion(call, state, draft, 'ObjectCreated:Copy')
    const value = { LastModified: isoTime(modifiedMs), ETag: quoted(sums.etag), ...checksumXml(sums.checksum) }
    const answer = xmlAnswer('CopyObjectResult', value)
    return { ...answer, headers: { ...answer.headers, ...versionHeader(versionId, bucket), ...encrypted } }
  } catch (error) {
    state.blobs.remove(segments)
    throw error
  }
}

export const checksumXml = (checksum: Checksum | undefined): Record<string, string> =>
  checksum ? { [`Checksum${checksum.name}`]: checksum.value, ChecksumType: checksum.type } : {}

/** A copy is one piece again: an ETag or a checksum that stood for parts is computed anew. */
async function sumsOfCopy(
  call: S3Call,
  state: S3State,
  source: Version,
): Promise<{ etag: string; checksum: Checksum }> {
  const asked = call.headers['x-amz-checksum-algorithm']
  const name = isChecksumName(asked) ? asked : (source.checksum?.name ?? 'CRC64NVME')
  const { checksum } = source
  if (!source.etag.includes('-') && checksum?.name === name && checksum.type === 'FULL_OBJECT') {
    return { etag: source.etag, checksum }
  }
  const md5 = createHasher('MD5')
  const hasher = createHasher(name)
  for await (const piece of state.blobs.read(source.segments, 0, source.bytes - 1)) {
    md5.update(piece)
    hasher.update(piece)
  }
  const value = hasher.digest().toString('base64')
  return { etag: md5.digest().toString('hex'), checksum: { name, value, type: 'FULL_OBJECT' } }
}
