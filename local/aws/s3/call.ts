import type { IncomingMessage, ServerResponse } from 'node:http'
import type { VerifiedSignature } from '../signature.ts'
import type { BlobFolder } from './blobs.ts'
import { decodeChunked } from './chunked.ts'
import type { S3Database } from './database.ts'
import type { Bucket } from './model.ts'
import { S3Error } from './errors.ts'
import { parseXml, toXml, type XmlNode, type XmlValue } from './xml.ts'

/** One authenticated request, taken apart. */
export interface S3Call {
  readonly method: string
  readonly bucket: string
  readonly key: string
  readonly query: URLSearchParams
  /** Lower-case names; repeated headers joined by commas. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly requestId: string
  readonly sourceIp: string
  readonly verified: VerifiedSignature
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Filled when the body has been read to its end. */
  readonly trailers: Map<string, string>
}

export interface S3Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly body?: string | AsyncIterable<Buffer>
}

export interface S3State {
  readonly database: S3Database
  readonly blobs: BlobFolder
  readonly region: string
  readonly now: () => number
  /** Of every part but the last. */
  readonly partBytesMin: number
  /** Called after a commit that put events into the outbox. */
  readonly wakeOutbox: () => void
}

export type Operation = (call: S3Call, state: S3State) => S3Answer | Promise<S3Answer>

const xmlBytesMax = 2 * 1024 * 1024

/** The decoded body. Asks a waiting client (`Expect: 100-continue`) to send it. */
export function bodyOf(call: S3Call): AsyncIterable<Buffer> {
  if (call.headers.expect?.toLowerCase() === '100-continue') call.response.writeContinue()
  const raw = guard(call.request)
  return call.verified.payload.startsWith('STREAMING-') ? decodeChunked(raw, call.verified, call.trailers) : raw
}

/** A client that goes away in mid-body is an incomplete body, not a fault of ours. */
async function* guard(request: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    for await (const piece of request) yield piece as Buffer
  } catch {
    throw new S3Error('IncompleteBody')
  }
}

export async function textOf(call: S3Call): Promise<string> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of bodyOf(call)) {
    bytes += piece.length
    if (bytes > xmlBytesMax) throw new S3Error('MalformedXML')
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}

export const xmlOf = async (call: S3Call, root: string): Promise<XmlNode> => parseXml(await textOf(call), root)

export const xmlAnswer = (root: string, value: { readonly [name: string]: XmlValue }): S3Answer => ({
  headers: { 'content-type': 'application/xml' },
  body: toXml(root, value),
})

export function bucketOf(call: S3Call, { database }: S3State): Bucket {
  const bucket = database.bucket(call.bucket)
  if (!bucket) throw new S3Error('NoSuchBucket', undefined, { BucketName: call.bucket })
  return bucket
}

export const isoTime = (ms: number): string => new Date(ms).toISOString()
export const quoted = (etag: string): string => `"${etag}"`
