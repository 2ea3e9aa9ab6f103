import { GetObjectCommand, PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3'
import type { ObjectStore } from '../../shared/ports/object-store.ts'
import { type ObjectStoreOptions, placeOf } from './object-bucket.ts'
import { urlSigner } from './object-signing.ts'

/** Presigned URLs of S3. A part is UploadPart, with its number and upload in the URL. */
export function objectGrants(options: ObjectStoreOptions): Pick<ObjectStore, 'presign' | 'presignPart'> {
  const sign = urlSigner(options)
  return {
    presign: async (key, { method, expiresMs, responseType, responseDisposition, responseCacheControl }) => {
      const place = placeOf(options, key)
      const answer = {
        ...(responseType === undefined ? {} : { ResponseContentType: responseType }),
        ...(responseDisposition === undefined ? {} : { ResponseContentDisposition: responseDisposition }),
        ...(responseCacheControl === undefined ? {} : { ResponseCacheControl: responseCacheControl }),
      }
      const command = method === 'PUT' ? new PutObjectCommand(place) : new GetObjectCommand({ ...place, ...answer })
      return { method, url: await sign(command, expiresMs), headers: {}, expiresAtMs: expiresMs }
    },
    presignPart: async ({ key, uploadId }, part, { expiresMs }) => {
      const command = new UploadPartCommand({ ...placeOf(options, key), UploadId: uploadId, PartNumber: part })
      return { method: 'PUT', url: await sign(command, expiresMs), headers: {}, expiresAtMs: expiresMs }
    },
  }
}
