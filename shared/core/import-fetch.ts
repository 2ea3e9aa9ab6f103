import type { UploadBody } from '../domain/asset.ts'
import { CatamaranError } from '../domain/errors.ts'
import { hashing } from '../domain/hashing.ts'
import type { OutboundAnswer } from '../ports/outbound.ts'
import type { MultipartUpload, UploadedPart } from '../ports/object-store.ts'
import { ImportRefused } from './import-refused.ts'
import type { Services } from './services.ts'
import type { WorkTools } from './work-tools.ts'

export const importBytesMax = 50 * 2 ** 30
/** Ten thousand of them hold more than an import may. */
const partBytesDefault = 8 * 2 ** 20
const redirectsMax = 5
const answerMsMax = 30_000

/** What the server said of the file when its first byte was asked for: only more of the very same is joined to it. */
export interface RemoteFile {
  readonly etag?: string
  readonly bytes?: number
}

export interface ImportRun {
  readonly upload: UploadBody
  readonly url: string
  readonly signal: AbortSignal
  /** Keeps what the next run goes on from. */
  readonly begun: (multipart: MultipartUpload, remote: RemoteFile) => Promise<void>
  /** Called after every part; throws when another run has the import by now. */
  readonly renew: () => Promise<void>
}

/**
 * Brings a file from a user's server into staging, part by part at flat memory, from where an earlier run stopped if the server
 * still has the same file. Throws ImportRefused when trying again would not help.
 */
export async function fetchImport(
  services: Services,
  { outbound, copyPartBytes: partBytes = partBytesDefault }: WorkTools,
  run: ImportRun,
): Promise<{ readonly multipart: MultipartUpload; readonly parts: readonly UploadedPart[] }> {
  const { upload, url, signal } = run
  const known = upload.uploadId === undefined ? undefined : { key: upload.objectKey, uploadId: upload.uploadId }
  const held = known && upload.remote?.etag ? await partsInRow(services, known, partBytes) : []
  const offset = held.length * partBytes
  const answer = await outbound.request(url, {
    method: 'GET',
    headers: { accept: '*/*', 'accept-encoding': 'identity', ...rangeFrom(offset, upload.remote?.etag) },
    signal,
    timeoutMs: answerMsMax,
    redirectsMax,
  })
  try {
    const goesOn = known !== undefined && offset > 0 && isRest(answer, offset, upload.remote?.etag)
    if (!goesOn) assertWhole(answer)
    const remote = goesOn ? (upload.remote ?? {}) : remoteOf(answer)
    assertSize(remote.bytes)
    const multipart = goesOn ? known : await startOver(services, run, { known, remote })
    const parts = goesOn ? [...held] : []
    await storeParts(services, run, { multipart, body: answer.body, parts, partBytes })
    const bytes = parts.reduce((sum, part) => sum + part.bytes, 0)
    if (remote.bytes !== undefined && bytes !== remote.bytes) {
      throw new CatamaranError('unavailable', `The server gave ${bytes} of ${remote.bytes} bytes.`)
    }
    if (bytes === 0) throw new ImportRefused('empty', 'The file holds no bytes.')
    return { multipart, parts }
  } finally {
    await answer.body.cancel().catch(() => undefined)
  }
}

/** The parts from the first on that the store holds; the last one may not have come, and the rest is of no use without it. */
async function partsInRow(services: Services, multipart: MultipartUpload, partBytes: number): Promise<UploadedPart[]> {
  const held = new Map((await services.objects.listParts(multipart)).map((part) => [part.part, part]))
  const row: UploadedPart[] = []
  for (let part = held.get(1); part?.bytes === partBytes; part = held.get(row.length + 1)) row.push(part)
  return row
}

const rangeFrom = (offset: number, etag: string | undefined): Record<string, string> =>
  offset > 0 && etag ? { range: `bytes=${offset}-`, 'if-range': etag } : {}

const isRest = ({ status, headers }: OutboundAnswer, offset: number, etag: string | undefined): boolean =>
  status === 206 && headers['etag'] === etag && (headers['content-range'] ?? '').startsWith(`bytes ${offset}-`)

/** What a server says when it cannot now, and may later. */
const laterStatuses: readonly number[] = [408, 425, 429]

function assertWhole({ status, headers }: OutboundAnswer): void {
  const encoding = headers['content-encoding'] ?? 'identity'
  if (status === 200 && encoding === 'identity') return
  if (status === 200)
    throw new ImportRefused('import-refused', `The server sends it encoded as ${encoding.slice(0, 40)}.`)
  if (status >= 500 || status === 206 || laterStatuses.includes(status)) {
    throw new CatamaranError('unavailable', `The server answered ${status}.`)
  }
  throw new ImportRefused('import-refused', `The server answered ${status}.`)
}

/** Only a strong ETag says that the bytes are the same (RFC 9110, 13.1.5). */
function remoteOf({ headers }: OutboundAnswer): RemoteFile {
  const { etag = '', 'content-length': length } = headers
  return {
    ...(/^"[^"]{1,200}"$/.test(etag) ? { etag } : {}),
    ...(length !== undefined && /^[0-9]{1,15}$/.test(length) ? { bytes: Number(length) } : {}),
  }
}

function assertSize(bytes: number | undefined): void {
  if (bytes === undefined || bytes <= importBytesMax) return
  throw new ImportRefused('too-large', `The file has ${bytes} bytes; an import holds at most ${importBytesMax}.`)
}

async function startOver(
  services: Services,
  { upload, begun }: ImportRun,
  { known, remote }: { readonly known: MultipartUpload | undefined; readonly remote: RemoteFile },
): Promise<MultipartUpload> {
  const options = { mediaType: 'application/octet-stream', withChecksums: true }
  const multipart = await services.objects.startMultipart(upload.objectKey, options)
  await begun(multipart, remote)
  if (known) await services.objects.abortMultipart(known)
  return multipart
}

async function storeParts(
  services: Services,
  { signal, renew }: ImportRun,
  into: {
    readonly multipart: MultipartUpload
    readonly body: ReadableStream<Uint8Array>
    readonly parts: UploadedPart[]
    readonly partBytes: number
  },
): Promise<void> {
  const { multipart, body, parts, partBytes } = into
  const { crc64Of } = await hashing
  let bytes = parts.length * partBytes
  for await (const piece of piecesOf(body, partBytes)) {
    bytes += piece.byteLength
    assertSize(bytes)
    const source = { kind: 'bytes', bytes: piece, crc64nvme: crc64Of(piece) } as const
    parts.push(await services.objects.putPart(multipart, parts.length + 1, source, signal))
    await renew()
  }
}

/** Pieces of one part each; the last may be shorter. */
async function* piecesOf(body: ReadableStream<Uint8Array>, partBytes: number): AsyncGenerator<Uint8Array> {
  let piece = Buffer.allocUnsafe(partBytes)
  let filled = 0
  for await (const chunk of body) {
    for (let at = 0; at < chunk.byteLength; ) {
      const taken = chunk.subarray(at, at + partBytes - filled)
      piece.set(taken, filled)
      filled += taken.byteLength
      at += taken.byteLength
      if (filled < partBytes) continue
      yield piece
      piece = Buffer.allocUnsafe(partBytes)
      filled = 0
    }
  }
  if (filled > 0) yield piece.subarray(0, filled)
}
