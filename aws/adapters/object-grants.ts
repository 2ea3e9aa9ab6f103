import { GetObjectCommand, PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { ObjectStore } from '../../shared/ports/object-store.ts'
import { calling } from './errors.ts'
import { type ObjectStoreOptions, placeOf } from './object-bucket.ts'
import { crcHeader } from './object-parts.ts'
import { signingTime } from './object-signing.ts'

const doing = 'signing a URL'
const crcHeaderName = 'x-amz-checksum-crc64nvme'

/** Presigned URLs of S3. A part is UploadPart, with its number and upload in the URL. */
export function objectGrants(options: ObjectStoreOptions): Pick<ObjectStore, 'presign' | 'presignPart'> {
  const { client } = options
  return {
    presign: async (key, { method, expiresAtMs, responseType, responseDisposition, responseCacheControl }) => {
      const place = placeOf(options, key)
      const answer = {
        ...(responseType === undefined ? {} : { ResponseContentType: responseType }),
        ...(responseDisposition === undefined ? {} : { ResponseContentDisposition: responseDisposition }),
        ...(responseCacheControl === undefined ? {} : { ResponseCacheControl: responseCacheControl }),
      }
      const command = method === 'PUT' ? new PutObjectCommand(place) : new GetObjectCommand({ ...place, ...answer })
      const time = signingTime(options, expiresAtMs)
      const url = await calling(doing, () => getSignedUrl(client, command, time))
      return { method, url, headers: {}, expiresAtMs }
    },
    presignPart: async ({ key, uploadId }, part, { expiresAtMs, crc64nvme }) => {
      const sum = crc64nvme === undefined ? {} : { ChecksumCRC64NVME: crcHeader(crc64nvme) }
      const place = { ...placeOf(options, key), UploadId: uploadId, PartNumber: part }
      const command = new UploadPartCommand({ ...place, ...sum })
      // S3 looks at a checksum only where it is a header, which the signature then covers.
      const signing = { ...signingTime(options, expiresAtMs), unhoistableHeaders: new Set([crcHeaderName]) }
      const url = await calling(doing, () => getSignedUrl(client, command, signing))
      const headers = crc64nvme === undefined ? {} : { [crcHeaderName]: crcHeader(crc64nvme) }
      return { method: 'PUT', url, headers, expiresAtMs }
    },
  }
}
