import { createHash, createHmac } from 'node:crypto'
import type { VerifiedSignature } from '../signature.ts'
import { S3Error } from './errors.ts'

const lineBytesMax = 16 * 1024
const chunkBytesMax = 2 ** 31

/** Reads lines and counted bytes from a stream of pieces, holding one piece at a time. */
class Reader {
  private readonly source: AsyncIterator<Buffer>
  private piece: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Buffer>) {
    this.source = source[Symbol.asyncIterator]()
  }

  private async fill(): Promise<void> {
    const { value, done } = await this.source.next()
    if (done) throw new S3Error('IncompleteBody')
    this.piece = this.piece.length === 0 ? value : Buffer.concat([this.piece, value])
  }

  async line(): Promise<string> {
    for (;;) {
      const end = this.piece.indexOf('\r\n')
      if (end >= 0) {
        const text = this.piece.toString('latin1', 0, end)
        this.piece = this.piece.subarray(end + 2)
        return text
      }
      if (this.piece.length > lineBytesMax) throw new S3Error('InvalidRequest', 'A chunk header is too long.')
      await this.fill()
    }
  }

  async *bytes(count: number): AsyncGenerator<Buffer> {
    let left = count
    while (left > 0) {
      if (this.piece.length === 0) await this.fill()
      const part = this.piece.subarray(0, left)
      this.piece = this.piece.subarray(part.length)
      left -= part.length
      yield part
    }
  }

  async drain(): Promise<void> {
    while (!(await this.source.next()).done) this.piece = Buffer.alloc(0)
  }
}

const emptyHash = createHash('sha256').digest('hex')

/** Each chunk's signature covers the one before it. Source: SigV4, "Transferring Payload in Multiple Chunks". */
function createChunkVerifier(verified: VerifiedSignature) {
  let previous = verified.signature
  const check = (kind: string, hashes: string, given: string | undefined): void => {
    const text = `AWS4-HMAC-SHA256-${kind}\n${verified.date}\n${verified.scope}\n${previous}\n${hashes}`
    const expected = createHmac('sha256', verified.signingKey).update(text).digest('hex')
    if (given !== expected) throw new S3Error('SignatureDoesNotMatch')
    previous = expected
  }
  return {
    chunk: (hash: string, given: string | undefined) => check('PAYLOAD', `${emptyHash}\n${hash}`, given),
    trailer: (text: string, given: string | undefined) =>
      check('TRAILER', createHash('sha256').update(text, 'latin1').digest('hex'), given),
  }
}

/**
 * Decodes an `aws-chunked` body, checking chunk signatures when the payload form carries them. Trailers (lower-case
 * names) are put into `trailers` before the stream ends. Throws `IncompleteBody`, `SignatureDoesNotMatch`, `InvalidRequest`.
 */
export async function* decodeChunked(
  source: AsyncIterable<Buffer>,
  verified: VerifiedSignature,
  trailers: Map<string, string>,
): AsyncGenerator<Buffer> {
  const signed = verified.payload.startsWith('STREAMING-AWS4-HMAC-SHA256-PAYLOAD')
  const verifier = createChunkVerifier(verified)
  const reader = new Reader(source)
  for (;;) {
    const header = await reader.line()
    const [, size, signature] = /^([0-9a-fA-F]+)(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(header) ?? []
    const count = parseInt(size ?? '', 16)
    if (Number.isNaN(count) || count > chunkBytesMax)
      throw new S3Error('InvalidRequest', 'A chunk header is malformed.')
    const hash = signed ? createHash('sha256') : undefined
    for await (const part of reader.bytes(count)) {
      hash?.update(part)
      yield part
    }
    if (hash) verifier.chunk(hash.digest('hex'), signature)
    if (count === 0) break
    if ((await reader.line()) !== '') throw new S3Error('IncompleteBody')
  }
  if (verified.payload.endsWith('-TRAILER')) await readTrailers(reader, trailers, signed ? verifier : undefined)
  await reader.drain()
}

async function readTrailers(
  reader: Reader,
  trailers: Map<string, string>,
  verifier: ReturnType<typeof createChunkVerifier> | undefined,
): Promise<void> {
  for (let line = await reader.line(); line !== ''; line = await reader.line()) {
    const at = line.indexOf(':')
    trailers.set(line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim())
  }
  if (!verifier) return
  const signature = trailers.get('x-amz-trailer-signature')
  trailers.delete('x-amz-trailer-signature')
  verifier.trailer([...trailers].map(([name, value]) => `${name}:${value}\n`).join(''), signature)
}
