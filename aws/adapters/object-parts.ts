import { UploadPartCommand } from '@aws-sdk/client-s3'
import { CatamaranError } from '../../shared/domain/errors.ts'
import type { ObjectStore } from '../../shared/ports/object-store.ts'
import { calling } from './errors.ts'
import { type ObjectStoreOptions, placeOf } from './object-bucket.ts'

/** S3 writes a CRC with its most significant byte first. */
export const crcHeader = (crc64nvme: string): string => Buffer.from(crc64nvme, 'hex').toString('base64')
export const crcOf = (header: string): string => Buffer.from(header, 'base64').toString('hex')

/** Parts whose bytes pass through here. S3 reads no URL but its own. */
export function objectParts(options: ObjectStoreOptions): Pick<ObjectStore, 'putPart'> {
  return {
    putPart: async ({ key, uploadId }, part, source, signal) => {
      if (source.kind === 'url') throw new CatamaranError('invalid-request', 'S3 copies from no URL outside itself')
      const { bytes, crc64nvme } = source
      const sum = { ChecksumCRC64NVME: crcHeader(crc64nvme) }
      const place = { ...placeOf(options, key), UploadId: uploadId, PartNumber: part }
      const command = unsigned(new UploadPartCommand({ ...place, ...sum, Body: bytes }))
      const abort = signal ? { abortSignal: signal } : {}
      const { ETag = '' } = await calling('storing a part', () => options.client.send(command, abort), signal)
      return { part, bytes: bytes.byteLength, etag: ETag, crc64nvme }
    },
  }
}

/** The CRC guards the body and the connection is encrypted, so a SHA-256 of it for the signature would be a third guard. */
function unsigned(command: UploadPartCommand): UploadPartCommand {
  command.middlewareStack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> }
      headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD'
      return next(args)
    },
    { step: 'build', name: 'unsignedPayload' },
  )
  return command
}
