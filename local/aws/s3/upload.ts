import type { Segment } from './blobs.ts'
import { bodyOf, type S3Call, type S3State } from './call.ts'
import { checksumHeader, createHasher, promisedChecksum, type ChecksumName } from './checksums.ts'
import { S3Error } from './errors.ts'

export const putBytesMax = 5 * 1024 ** 3

export interface ReceivedBytes {
  readonly segment: Segment
  readonly md5: Buffer
  readonly checksum: { readonly name: ChecksumName; readonly value: string }
  /** What the client itself sent to be checked. */
  readonly promised?: ChecksumName
}

/**
 * Stores the request's body and checks everything the client promised of it: length, MD5, SHA-256, one checksum.
 * Without a promise it computes `wanted`, or CRC64NVME as S3 does. Nothing stays when a check fails.
 */
export async function receive(call: S3Call, state: S3State, wanted?: ChecksumName): Promise<ReceivedBytes> {
  const { headers } = call
  const length = headers['x-amz-decoded-content-length'] ?? headers['content-length']
  if (length === undefined || !/^\d+$/.test(length)) throw new S3Error('MissingContentLength')
  if (Number(length) > putBytesMax) throw new S3Error('EntityTooLarge')
  const promised = promisedChecksum(headers)
  if (!promised && headers['x-amz-sdk-checksum-algorithm'] !== undefined) {
    const message = 'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer'
    throw new S3Error('InvalidRequest', `${message} headers were found.`)
  }
  const name = wanted ?? promised?.name ?? 'CRC64NVME'
  const md5 = createHasher('MD5')
  const stored = createHasher(name)
  const checked = promised && promised.name !== name ? createHasher(promised.name) : undefined
  const signed = /^[0-9a-f]{64}$/.test(call.verified.payload) ? createHasher('SHA256') : undefined
  const hashers = [md5, stored, checked, signed].filter((hasher) => hasher !== undefined)
  const segment = await state.blobs.write(bodyOf(call), hashers, putBytesMax)
  const value = stored.digest().toString('base64')
  const received = { segment, md5: md5.digest(), checksum: { name, value } }
  try {
    if (segment.bytes !== Number(length)) throw new S3Error('IncompleteBody')
    if (signed && signed.digest().toString('hex') !== call.verified.payload)
      throw new S3Error('XAmzContentSHA256Mismatch')
    checkMd5(call, received.md5)
    if (promised) checkPromise(call, promised, checked ? checked.digest().toString('base64') : value)
  } catch (error) {
    state.blobs.remove([segment])
    throw error
  }
  return promised ? { ...received, promised: promised.name } : received
}

function checkMd5({ headers }: S3Call, md5: Buffer): void {
  const given = headers['content-md5']
  if (given === undefined) return
  if (Buffer.from(given, 'base64').length !== md5.length) {
    throw new S3Error('InvalidDigest', 'The Content-MD5 you specified was invalid.')
  }
  if (given !== md5.toString('base64')) {
    throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.')
  }
}

function checkPromise({ trailers }: S3Call, promised: { name: ChecksumName; value?: string }, computed: string): void {
  const value = promised.value ?? trailers.get(checksumHeader(promised.name))
  if (value === undefined) throw new S3Error('InvalidRequest', 'The promised trailing checksum did not arrive.')
  if (value !== computed) {
    throw new S3Error('BadDigest', `The ${promised.name} you specified did not match the calculated checksum.`)
  }
}
