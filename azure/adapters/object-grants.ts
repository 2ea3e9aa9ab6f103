import type { ObjectStore } from '../../shared/ports/object-store.ts'
import { decodeUpload } from './object-multipart.ts'
import type { ObjectStoreOptions } from './object-bucket.ts'
import { sasSigner } from './object-signing.ts'
import { blockId } from './object-write.ts'

/** SAS URLs of Blob Storage. A PUT needs a header that names the kind of blob; a part is Put Block, with its id in the URL. */
export function objectGrants(options: ObjectStoreOptions): Pick<ObjectStore, 'presign' | 'presignPart'> {
  const sign = sasSigner(options)
  return {
    presign: async (key, { method, expiresMs, responseType, responseDisposition, responseCacheControl }) => {
      if (method === 'PUT') {
        const url = await sign(key, { permissions: 'cw', expiresMs })
        return { method, url, headers: { 'x-ms-blob-type': 'BlockBlob' }, expiresAtMs: expiresMs }
      }
      const answer = {
        contentType: responseType,
        contentDisposition: responseDisposition,
        cacheControl: responseCacheControl,
      }
      const url = await sign(key, { permissions: 'r', expiresMs, ...answer })
      return { method, url, headers: {}, expiresAtMs: expiresMs }
    },
    presignPart: async ({ key, uploadId }, part, { expiresMs }) => {
      const id = blockId(decodeUpload(uploadId).name, part)
      const url = await sign(key, { permissions: 'w', expiresMs })
      const address = `${url}&comp=block&blockid=${encodeURIComponent(id)}`
      return { method: 'PUT', url: address, headers: {}, expiresAtMs: expiresMs }
    },
  }
}
