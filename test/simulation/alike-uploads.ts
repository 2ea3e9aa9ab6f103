import fc from 'fast-check'
import { hashing } from '../../shared/domain/hashing.ts'
import type { MultipartUpload, ObjectStore, UploadedPart } from '../../shared/ports/object-store.ts'
import { bytesOfStream } from '../memory/streams.ts'
import { answerOf, type Play } from './alike.ts'

const { crc64Of } = await hashing

export type UploadCommand = {
  readonly kind: 'start' | 'part' | 'signed' | 'list' | 'complete' | 'abort' | 'get' | 'put' | 'remove'
  /** Which of the uploads; those of one parity are of one object. */
  readonly slot: number
  readonly part: number
  /** Too few for a part that others follow, or enough. */
  readonly isSmall: boolean
  /** Which bytes: the same ones may come again. */
  readonly fill: number
  /** To complete with the parts as they are listed, with those that came first, without one, or with none. */
  readonly which: 'listed' | 'first' | 'gap' | 'none'
  readonly ifAbsent: boolean
  /** Begun with checksums: then its parts are signed with theirs. */
  readonly isSummed: boolean
}

const kinds = [
  'part',
  'part',
  'part',
  'signed',
  'list',
  'complete',
  'complete',
  'abort',
  'get',
  'put',
  'remove',
] as const

const uploadCommand = fc.record<UploadCommand>({
  kind: fc.constantFrom('start', ...kinds),
  slot: fc.nat({ max: 2 }),
  part: fc.integer({ min: 1, max: 3 }),
  isSmall: fc.nat({ max: 4 }).map((n) => n === 0),
  fill: fc.nat({ max: 2 }),
  which: fc.constantFrom('listed', 'listed', 'first', 'gap', 'none'),
  ifAbsent: fc.boolean(),
  isSummed: fc.boolean(),
})

/** An upload from its start to both its ends, and what may come between: what chance alone would seldom come upon. */
const wholeUpload = uploadCommand.chain(({ slot, isSmall }) => {
  const one = (kind: UploadCommand['kind'], more: Partial<UploadCommand> = {}) =>
    uploadCommand.map((command) => ({ ...command, slot, isSmall: false, ...more, kind }))
  const first = one('part', { part: 1, isSmall })
  const second = fc.oneof(one('part', { part: 2 }), one('list'))
  const between = fc.oneof(one('put'), one('get'), one('part'), one('abort'))
  const end = one('complete', { which: 'first' })
  return fc.tuple(one('start'), first, second, end, between, end)
})
const phrase = fc.oneof(
  uploadCommand.map((command) => [command]),
  wholeUpload,
)

/** Three uploads of two objects, and what becomes of them. */
export const uploadCommands: fc.Arbitrary<UploadCommand[]> = fc
  .tuple(...[0, 1, 2].map((slot) => uploadCommand.map((command) => ({ ...command, kind: 'start' as const, slot }))))
  .chain((starts) => fc.array(phrase, { minLength: 4, maxLength: 12 }).map((rest) => [...starts, ...rest.flat()]))

export interface UploadStore {
  readonly store: ObjectStore
  /** Sends a signed request. */
  readonly send: (url: string, init: Sent) => Promise<Response>
  /** Of every part but the last. */
  readonly partBytesMin: number
  /**
   * A key under which nothing but blocks wait holds no blob, by what is written of Blob Storage: an object is put there even if
   * nothing may be there yet, and the blocks go. Azurite finds no blob there either, but refuses that one put, as its own.
   */
  readonly keepsClear?: boolean
}

interface Sent {
  readonly method: string
  readonly headers: Record<string, string>
  readonly body: Uint8Array
}

interface Begun {
  readonly upload: MultipartUpload
  readonly isSummed: boolean
  /** By ETag, what came under it first. */
  readonly came: Map<string, { readonly part: UploadedPart; readonly fill: number }>
}

const signedMs = 600_000

const bytesOf = ({ partBytesMin }: UploadStore, { isSmall, fill }: UploadCommand): Uint8Array =>
  Buffer.alloc(partBytesMin - (isSmall ? 1 : 0), 65 + fill)

/** ETags are each store's own: what is compared is which bytes they are of. */
const shown = ({ came }: Begun, { part, bytes, etag, crc64nvme }: UploadedPart): string =>
  [part, bytes, came.get(etag)?.fill ?? 'signed', crc64nvme].join(' ')

async function putPart(at: UploadStore, one: Begun, command: UploadCommand): Promise<string> {
  const { part, fill } = command
  const bytes = bytesOf(at, command)
  const stored = await at.store.putPart(one.upload, part, { kind: 'bytes', bytes, crc64nvme: crc64Of(bytes) })
  if (!one.came.has(stored.etag)) one.came.set(stored.etag, { part: stored, fill })
  return shown(one, stored)
}

/** As clients do, with the CRC of the part exactly where its upload was begun with checksums. */
async function sendPart(at: UploadStore, { upload, isSummed }: Begun, command: UploadCommand): Promise<boolean> {
  const body = bytesOf(at, command)
  const signing = { expiresAtMs: Date.now() + signedMs, ...(isSummed ? { crc64nvme: crc64Of(body) } : {}) }
  const { url, method, headers } = await at.store.presignPart(upload, command.part, signing)
  const { ok } = await at.send(url, { method, headers: { ...headers }, body })
  return ok
}

async function complete({ store }: UploadStore, one: Begun, { which, ifAbsent }: UploadCommand): Promise<unknown> {
  const came = [...one.came.values()].map(({ part }) => part)
  // In what order a part's blocks are listed is not said, so it is not by it that one is chosen.
  const byText = (a: UploadedPart, b: UploadedPart): number => (shown(one, a) < shown(one, b) ? -1 : 1)
  const listed = async () => (await store.listParts(one.upload)).toSorted(byText)
  const chosen = which === 'first' ? came : await listed().catch(() => came)
  const once = [...Map.groupBy(chosen, ({ part }) => part).values()].flatMap(([first]) => first ?? [])
  const parts = once
    .filter(({ part }) => which !== 'none' && !(which === 'gap' && part === 2))
    .sort((a, b) => a.part - b.part)
  const { bytes, mediaType, metadata } = await store.completeMultipart(one.upload, parts, { ifAbsent })
  return [bytes, mediaType, metadata]
}

async function playOne(at: UploadStore, one: Begun, command: UploadCommand): Promise<unknown> {
  const { kind } = command
  if (kind === 'part') return putPart(at, one, command)
  if (kind === 'signed') return sendPart(at, one, command)
  if (kind === 'complete') return complete(at, one, command)
  if (kind === 'abort') return at.store.abortMultipart(one.upload)
  const parts = await at.store.listParts(one.upload)
  return parts.map((part) => shown(one, part)).sort()
}

export const playUploads: Play<UploadStore, UploadCommand> = async (at, tenant, commands) => {
  const { store } = at
  const begun: Begun[] = []
  const current = new Map<number, Begun>()
  const isClear = async (key: string): Promise<boolean> => {
    const ofKey = at.keepsClear ? begun.filter(({ upload }) => upload.key === key) : []
    return (await Promise.all(ofKey.map(({ upload }) => store.listParts(upload)))).flat().length === 0
  }
  const play = async (command: UploadCommand, n: number): Promise<unknown> => {
    const { kind, slot, isSummed, ifAbsent } = command
    const key = `objects/${tenant}/a/${slot % 2}`
    const about = { mediaType: 'text/plain', metadata: { n: String(n) } }
    const one = current.get(slot)
    if (kind === 'start') {
      const upload = await store.startMultipart(key, { ...about, withChecksums: isSummed })
      const fresh = { upload, isSummed, came: new Map() }
      begun.push(fresh)
      current.set(slot, fresh)
      return 'begun'
    }
    if (kind === 'get') {
      const found = await store.get(key)
      return found && [found.metadata, Buffer.from(await bytesOfStream(found.stream)).toString()]
    }
    if (kind === 'put') return (await isClear(key)) && store.put(key, bytesOf(at, command), { ...about, ifAbsent })
    if (kind === 'remove') return (await isClear(key)) && store.remove(key)
    return one && playOne(at, one, command)
  }
  const answers: unknown[] = []
  for (const [n, command] of commands.entries()) answers.push(await answerOf(() => play(command, n)))
  return answers
}
