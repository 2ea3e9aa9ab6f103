import type { ReadableStream } from 'node:stream/web'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3'
import { assertRange } from '../../shared/domain/byte-range.ts'
import type { ObjectBody, ObjectInfo, ObjectStore } from '../../shared/ports/object-store.ts'
import { calling, isNamed, mapError } from './errors.ts'
import { type ObjectStoreOptions, placeOf } from './object-bucket.ts'

/** Looking at, reading, listing and removing objects in S3. */
export function objectReads(options: ObjectStoreOptions): Pick<ObjectStore, 'head' | 'get' | 'list' | 'remove'> {
  const { client } = options

  const head = async (key: string): Promise<ObjectInfo | undefined> => {
    try {
      return infoOf(key, await client.send(new HeadObjectCommand(placeOf(options, key))))
    } catch (error) {
      if (isNamed(error, 'NotFound', 'NoSuchKey')) return undefined
      throw mapError(error, 'looking at an object')
    }
  }

  return {
    head,
    get: async (key, range, signal) => {
      if (range) assertRange(range)
      const input = { ...placeOf(options, key), ...(range ? { Range: `bytes=${range.first}-${range.last}` } : {}) }
      try {
        const answer = await client.send(new GetObjectCommand(input), signal ? { abortSignal: signal } : {})
        return bodyOf(key, answer)
      } catch (error) {
        signal?.throwIfAborted()
        if (isNamed(error, 'NoSuchKey', 'NotFound')) return undefined
        throw mapError(error, 'reading an object')
      }
    },
    remove: async (key) => {
      // S3 answers alike whether or not there was something.
      if (!(await head(key))) return false
      await calling('removing an object', () => client.send(new DeleteObjectCommand(placeOf(options, key))))
      return true
    },
    list: async (prefix, { after, limit }) => {
      const { Bucket } = placeOf(options, prefix)
      const position = after === undefined ? {} : { StartAfter: after }
      const input = { Bucket, Prefix: prefix, MaxKeys: limit, ...position }
      const answer = await calling('listing objects', () => client.send(new ListObjectsV2Command(input)))
      const items = (answer.Contents ?? []).map(({ Key = '', Size = 0, ETag = '', LastModified }) => ({
        key: Key,
        bytes: Size,
        etag: ETag,
        modifiedMs: LastModified?.getTime() ?? 0,
      }))
      const last = items.at(-1)
      return answer.IsTruncated && last ? { items, next: last.key } : { items }
    },
  }
}

type Answer = Pick<HeadObjectCommandOutput, 'ETag' | 'ContentLength' | 'ContentType' | 'LastModified' | 'Metadata'>

const infoOf = (key: string, answer: Answer, bytes = answer.ContentLength ?? 0): ObjectInfo => ({
  key,
  bytes,
  etag: answer.ETag ?? '',
  mediaType: answer.ContentType ?? 'application/octet-stream',
  modifiedMs: answer.LastModified?.getTime() ?? 0,
  metadata: answer.Metadata ?? {},
})

function bodyOf(key: string, answer: GetObjectCommandOutput): ObjectBody {
  const stream = answer.Body?.transformToWebStream() as ReadableStream<Uint8Array> | undefined
  const [, first, last, bytes] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(answer.ContentRange ?? '') ?? []
  const body = (stream ?? new Blob([]).stream()) as ObjectBody['stream']
  if (first === undefined) return { ...infoOf(key, answer), stream: body }
  return { ...infoOf(key, answer, Number(bytes)), stream: body, range: { first: Number(first), last: Number(last) } }
}
