import { createHash, randomBytes } from 'node:crypto'
import {
  bucketOf,
  isoTime,
  quoted,
  xmlAnswer,
  xmlOf,
  type Operation,
  type S3Answer,
  type S3Call,
  type S3State,
} from './call.ts'
import {
  checksumHeader,
  checksumNames,
  compositeChecksum,
  createHasher,
  fullObjectChecksum,
  isChecksumName,
  isCrc,
  type Checksum,
} from './checksums.ts'
import { rangeOf } from './conditions.ts'
import type { Part, Upload } from './model.ts'
import { S3Error } from './errors.ts'
import { factsOf, lockOf, tagsOf } from './facts.ts'
import { checksumXml, copySource } from './objects.ts'
import { receive } from './upload.ts'
import { commitVersion, versionHeader } from './versions.ts'
import type { XmlNode } from './xml.ts'

export const partsMax = 10_000

export const createUpload: Operation = (call, state) => {
  const bucket = bucketOf(call, state)
  const asked = call.headers['x-amz-checksum-algorithm']?.toUpperCase()
  if (asked !== undefined && !isChecksumName(asked))
    throw new S3Error('InvalidRequest', 'Checksum algorithm is invalid.')
  const askedType = call.headers['x-amz-checksum-type']
  const type = askedType === 'FULL_OBJECT' || asked === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE'
  if (asked && type === 'FULL_OBJECT' && !isCrc(asked)) {
    throw new S3Error('InvalidRequest', `The FULL_OBJECT checksum type cannot be used with the ${asked} algorithm.`)
  }
  const upload: Upload = {
    id: randomBytes(24).toString('base64url'),
    bucket: call.bucket,
    key: call.key,
    initiatedMs: state.now(),
    facts: factsOf(call),
    tags: tagsOf(call),
    lock: lockOf(call, bucket, state.now()),
    ...(asked ? { checksum: { name: asked, type } } : {}),
  }
  state.database.saveUpload(upload)
  const answer = xmlAnswer('InitiateMultipartUploadResult', { Bucket: call.bucket, Key: call.key, UploadId: upload.id })
  const sums = asked ? { 'x-amz-checksum-algorithm': asked, 'x-amz-checksum-type': type } : {}
  return { ...answer, headers: { ...answer.headers, ...sums } }
}

function findUpload(call: S3Call, state: S3State): Upload {
  bucketOf(call, state)
  const upload = state.database.upload(call.query.get('uploadId') ?? '')
  if (!upload || upload.bucket !== call.bucket || upload.key !== call.key) throw new S3Error('NoSuchUpload')
  return upload
}

function openUpload(call: S3Call, state: S3State): Upload {
  const upload = findUpload(call, state)
  if (upload.completed) throw new S3Error('NoSuchUpload')
  return upload
}

function partNumber(call: S3Call): number {
  const part = Number(call.query.get('partNumber'))
  if (Number.isInteger(part) && part >= 1 && part <= partsMax) return part
  throw new S3Error('InvalidArgument', `Part number must be an integer between 1 and ${partsMax}, inclusive`)
}

function savePart(call: S3Call, state: S3State, upload: Upload, part: Part): void {
  try {
    const replaced = state.database.transaction(() => {
      openUpload(call, state)
      return state.database.savePart(upload.id, part)
    })
    if (replaced) state.blobs.remove([replaced.segment])
  } catch (error) {
    state.blobs.remove([part.segment])
    throw error
  }
}

export const uploadPart: Operation = async (call, state) => {
  const upload = openUpload(call, state)
  const number = partNumber(call)
  const received = await receive(call, state, upload.checksum?.name ?? 'CRC64NVME')
  const { segment, md5, checksum, promised } = received
  if (upload.checksum?.type === 'COMPOSITE' && promised !== upload.checksum.name) {
    state.blobs.remove([segment])
    const [expected, actual] = [upload.checksum.name.toLowerCase(), promised?.toLowerCase() ?? 'null']
    const message = `Checksum Type mismatch occurred, expected checksum Type: ${expected}, actual checksum Type: ${actual}`
    throw new S3Error('InvalidRequest', message)
  }
  const etag = md5.toString('hex')
  savePart(call, state, upload, {
    part: number,
    bytes: segment.bytes,
    etag,
    modifiedMs: state.now(),
    segment,
    checksum,
  })
  return {
    headers: {
      etag: quoted(etag),
      ...(promised === checksum.name ? { [checksumHeader(promised)]: checksum.value } : {}),
    },
  }
}

export const uploadPartCopy: Operation = async (call, state) => {
  const upload = openUpload(call, state)
  const number = partNumber(call)
  const source = copySource(call, state)
  const range = rangeOf(call.headers['x-amz-copy-source-range'], source.bytes) ?? { first: 0, last: source.bytes - 1 }
  const name = upload.checksum?.name ?? 'CRC64NVME'
  const md5 = createHasher('MD5')
  const hasher = createHasher(name)
  const bytes = state.blobs.read(source.segments, range.first, range.last)
  const segment = await state.blobs.write(bytes, [md5, hasher], source.bytes)
  const checksum = { name, value: hasher.digest().toString('base64') }
  const etag = md5.digest().toString('hex')
  const modifiedMs = state.now()
  savePart(call, state, upload, { part: number, bytes: segment.bytes, etag, modifiedMs, segment, checksum })
  return xmlAnswer('CopyPartResult', { LastModified: isoTime(modifiedMs), ETag: quoted(etag) })
}

const bare = (etag: string): string => etag.trim().replace(/^"|"$/g, '')

export const completeUpload: Operation = async (call, state) => {
  const upload = findUpload(call, state)
  const asked = (await xmlOf(call, 'CompleteMultipartUpload')).children('Part')
  const print = JSON.stringify(asked.map((part) => [part.text('PartNumber'), bare(part.text('ETag') ?? '')]))
  const { completed } = state.database.upload(upload.id) ?? {}
  if (completed) {
    if (completed.parts !== print) throw new S3Error('NoSuchUpload')
    const version = state.database.version(call.bucket, call.key, completed.versionId)
    return completedAnswer(call, state, completed.etag, completed.versionId, version?.checksum)
  }
  const parts = chooseParts(asked, upload, state)
  const md5 = createHash('md5')
  for (const part of parts) md5.update(Buffer.from(part.etag, 'hex'))
  const etag = `${md5.digest('hex')}-${parts.length}`
  const checksum = wholeChecksum(call, upload, parts)
  const segments = parts.map((part) => part.segment)
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0)
  const size = call.headers['x-amz-mp-object-size']
  if (size !== undefined && Number(size) !== bytes)
    throw new S3Error('InvalidRequest', 'The object size does not match.')
  const { key, facts, tags, lock } = upload
  const draft = { key, facts, tags, lock, deleteMarker: false, bytes, etag, segments, checksum }
  const kept = new Set(segments.map((segment) => segment.file))
  let unused: Part['segment'][] = []
  const { versionId } = commitVersion(call, state, draft, 'ObjectCreated:CompleteMultipartUpload', (committed) => {
    unused = state.database.removeParts(upload.id, kept)
    state.database.saveUpload({ ...upload, completed: { etag, versionId: committed.versionId, parts: print } })
  })
  state.blobs.remove(unused)
  return completedAnswer(call, state, etag, versionId, checksum)
}

function completedAnswer(
  call: S3Call,
  state: S3State,
  etag: string,
  versionId: string,
  checksum: Checksum | undefined,
): S3Answer {
  const answer = xmlAnswer('CompleteMultipartUploadResult', {
    Location: `http://${call.headers.host}/${call.bucket}/${encodeURIComponent(call.key).replaceAll('%2F', '/')}`,
    Bucket: call.bucket,
    Key: call.key,
    ETag: quoted(etag),
    ...checksumXml(checksum),
  })
  return { ...answer, headers: { ...answer.headers, ...versionHeader(versionId, bucketOf(call, state)) } }
}

/** The stored parts that the request lists, checked. */
function chooseParts(asked: readonly XmlNode[], upload: Upload, { database, partBytesMin }: S3State): Part[] {
  const stored = database.parts(upload.id)
  if (asked.length === 0 || asked.length > partsMax) throw new S3Error('MalformedXML')
  const byNumber = new Map(stored.map((part) => [part.part, part]))
  const numbers = asked.map((wanted) => Number(wanted.text('PartNumber')))
  if (numbers.some((number, index) => !(number > (numbers[index - 1] ?? 0)))) throw new S3Error('InvalidPartOrder')
  return asked.map((wanted, index) => {
    const number = numbers[index] ?? 0
    const part = byNumber.get(number)
    if (!part || part.etag !== bare(wanted.text('ETag') ?? '')) {
      throw new S3Error('InvalidPart', undefined, { UploadId: upload.id, PartNumber: String(number) })
    }
    checkPartChecksum(wanted, upload, part)
    if (index < asked.length - 1 && part.bytes < partBytesMin) {
      throw new S3Error('EntityTooSmall', undefined, { PartNumber: String(number), ProposedSize: String(part.bytes) })
    }
    return part
  })
}

function checkPartChecksum(wanted: XmlNode, upload: Upload, part: Part): void {
  for (const name of checksumNames) {
    const given = wanted.text(`Checksum${name}`)
    if (given !== undefined && name === part.checksum.name && given !== part.checksum.value)
      throw new S3Error('InvalidPart')
    if (given === undefined && upload.checksum?.type === 'COMPOSITE' && name === upload.checksum.name) {
      const start = `The upload was created using a ${name.toLowerCase()} checksum.`
      const message = `${start} The complete request must include the checksum for each part. It was missing for part ${part.part} in the request.`
      throw new S3Error('InvalidRequest', message)
    }
  }
}

function wholeChecksum(call: S3Call, { checksum }: Upload, parts: readonly Part[]): Checksum {
  const sums = parts.map((part) => ({ bytes: part.bytes, checksum: part.checksum.value }))
  const name = checksum?.name ?? 'CRC64NVME'
  if (checksum?.type !== 'COMPOSITE' && isCrc(name)) {
    const whole = fullObjectChecksum(name, sums)
    const given = call.headers[checksumHeader(name)]
    if (given !== undefined && given !== whole.value) throw new S3Error('BadDigest')
    return whole
  }
  return compositeChecksum(name, sums)
}

export const abortUpload: Operation = (call, state) => {
  const upload = openUpload(call, state)
  const unused = state.database.transaction(() => {
    state.database.removeUpload(upload.id)
    return state.database.removeParts(upload.id, new Set())
  })
  state.blobs.remove(unused)
  return { status: 204 }
}
