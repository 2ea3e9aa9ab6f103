import type { ObjectStore } from '../../shared/ports/object-store.ts'
import type { ObjectStoreOptions } from './object-bucket.ts'
import { crcBlockId, crcBytes, decodeUpload } from './object-parts.ts'
import { sasSigner } from './object-signing.ts'
import { blockId } from './object-write.ts'

/** SAS URLs of Blob Storage. A PUT needs a header that names the kind of blob; a part is Put Block, with its id in the URL. */
export function objectGrants(options: ObjectStoreOptions): Pick<ObjectStore, 'presign' | 'presignPart'> {
  const sign = sasSigner(options)
  return {
    presign: async (key, { method, expiresAtMs, responseType, responseDisposition, responseCacheControl }) => {
      if (method === 'PUT') {
        const url = await sign(key, { permissions: 'cw', expiresAtMs })
        return { method, url, headers: { 'x-ms-blob-type': 'BlockBlob' }, expiresAtMs }
      }
      const answer = {
        contentType: responseType,
        contentDisposition: responseDisposition,
        cacheControl: responseCacheControl,
      }
      const url = await sign(key, { permissions: 'r', expiresAtMs, ...answer })
      return { method, url, headers: {}, expiresAtMs }
    },
    presignPart: async ({ key, uploadId }, part, { expiresAtMs, crc64nvme }) => {
      const { name } = decodeUpload(uploadId)
      const id = crc64nvme === undefined ? blockId(name, part) : crcBlockId(name, part, crc64nvme)
      const url = await sign(key, { permissions: 'w', expiresAtMs })
      const address = `${url}&comp=block&blockid=${encodeURIComponent(id)}`
      const sum = crc64nvme === undefined ? undefined : Buffer.from(crcBytes(crc64nvme)).toString('base64')
      return { method: 'PUT', url: address, headers: sum ? { 'x-ms-content-crc64': sum } : {}, expiresAtMs }
    },
  }
}
