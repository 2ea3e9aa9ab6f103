import { Readable } from 'node:stream'
import type { BlobDownloadResponseParsed, ContainerListBlobFlatSegmentResponse } from '@azure/storage-blob'
import { CatamaranError } from '../../shared/domain/errors.ts'
import { assertRange } from '../../shared/domain/byte-range.ts'
import type { ListedObject, ObjectBody, ObjectInfo, ObjectStore } from '../../shared/ports/object-store.ts'
import { calling, isStatus, mapError } from './errors.ts'
import { blobOf, containerOf, type ObjectStoreOptions } from './object-bucket.ts'

/** The upload that a blob was made by, kept with it so that completing twice is harmless; not for callers. */
export const uploadMetadata = 'upload'
/** Marks the empty blob that stands for a moment while an upload is aborted: to every read there is nothing. */
export const abortedUpload = 'aborted'
const isNothing = ({ metadata }: { readonly metadata?: Record<string, string> }): boolean =>
  metadata?.[uploadMetadata] === abortedUpload

/** Looking at, reading, listing and removing objects in Blob Storage. */
export function objectReads(options: ObjectStoreOptions): Pick<ObjectStore, 'head' | 'get' | 'list' | 'remove'> {
  return {
    head: async (key) => {
      try {
        const answer = await blobOf(options, key).getProperties()
        return isNothing(answer) ? undefined : infoOf(key, answer)
      } catch (error) {
        if (isStatus(error, 404)) return undefined
        throw mapError(error, 'looking at an object')
      }
    },
    get: async (key, range, signal) => {
      if (range) assertRange(range)
      const abort = signal ? { abortSignal: signal } : {}
      try {
        const count = range && Math.min(range.last - range.first + 1, Number.MAX_SAFE_INTEGER - range.first)
        const answer = await blobOf(options, key).download(range?.first ?? 0, count, abort)
        const body = bodyOf(key, answer)
        if (isNothing(answer)) {
          await body.stream.cancel()
          return undefined
        }
        if (range && range.first >= body.bytes) {
          // Azurite answers with nothing where Blob Storage refuses.
          await body.stream.cancel()
          throw new CatamaranError('range-not-satisfiable', `There are ${body.bytes} bytes`)
        }
        return body
      } catch (error) {
        signal?.throwIfAborted()
        if (isStatus(error, 404)) return undefined
        throw mapError(error, 'reading an object')
      }
    },
    remove: async (key) => {
      const blob = blobOf(options, key)
      const { succeeded } = await calling('removing an object', () =>
        blob.deleteIfExists({ deleteSnapshots: 'include' }),
      )
      return succeeded
    },
    list: async (prefix, { after, limit }) => {
      const position = after === undefined ? {} : { continuationToken: after }
      const pages = containerOf(options, prefix)
        .listBlobsFlat({ prefix })
        .byPage({ maxPageSize: limit, ...position })
      const answer = await calling('listing objects', () => pages.next())
      const value = answer.value as ContainerListBlobFlatSegmentResponse | undefined
      const blobs = value?.segment.blobItems ?? []
      const items = blobs.map(
        ({ name, properties }): ListedObject => ({
          key: name,
          bytes: properties.contentLength ?? 0,
          etag: quoted(properties.etag),
          modifiedMs: properties.lastModified.getTime(),
        }),
      )
      return value?.continuationToken ? { items, next: value.continuationToken } : { items }
    },
  }
}

type Answer = Pick<BlobDownloadResponseParsed, 'etag' | 'contentLength' | 'contentType' | 'lastModified' | 'metadata'>

function infoOf(key: string, answer: Answer, bytes = answer.contentLength ?? 0): ObjectInfo {
  const { [uploadMetadata]: _upload, ...metadata } = answer.metadata ?? {}
  return {
    key,
    bytes,
    etag: quoted(answer.etag),
    mediaType: answer.contentType ?? 'application/octet-stream',
    modifiedMs: answer.lastModified?.getTime() ?? 0,
    metadata,
  }
}

/** Lists give the ETag bare, headers as RFC 9110 has it. */
const quoted = (etag = ''): string => (etag.startsWith('"') ? etag : `"${etag}"`)

function bodyOf(key: string, answer: BlobDownloadResponseParsed): ObjectBody {
  const source = (answer.readableStreamBody ?? Readable.from([])) as Readable
  const stream = Readable.toWeb(source) as ObjectBody['stream']
  const [, first, last, bytes] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(answer.contentRange ?? '') ?? []
  if (first === undefined) return { ...infoOf(key, answer), stream }
  return { ...infoOf(key, answer, Number(bytes)), stream, range: { first: Number(first), last: Number(last) } }
}
