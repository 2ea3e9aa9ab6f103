import { CatamaranError } from '../domain/errors.ts'
import { derivedId } from '../domain/hash.ts'
import { hashing, type Running } from '../domain/hashing.ts'
import { canonicalJson, type JsonObject } from '../domain/json.ts'
import type { Site } from '../domain/site.ts'
import type { Lease } from './lease.ts'
import { openPinned, type PinnedObject } from './pinned-object.ts'
import type { Services } from './services.ts'
import type { Digests } from './work-file.ts'
import type { WorkTools } from './work-tools.ts'

const stepBytesDefault = 4 * 2 ** 30
/** A slow store gets its checkpoints too. */
const stepMs = 45_000
/** Of all the work on a file, so much is done when it was read. */
export const readShare = 0.4

/** What a run leaves to the next one: how far it has read an object, and the states of the digests there. */
type Reading = {
  site: Site
  key: string
  etag: string
  bytes: number
  read: number
  sha256: string
  crc64nvme: string
  /** What the store makes of it, once it was read whole. */
  copying?: Copying
  /** What it has made of it. */
  copy?: { key: string; etag: string }
}

/** A copy in parts: which upload, and how much of it is there, 0 to 1. */
export type Copying = { key: string; upload: string; share: number }

export interface ReadWhole {
  readonly digests: Digests
  /** A copy of it that an earlier run began. */
  readonly copying?: Copying | undefined
  /** Where the next run goes on with that copy. */
  noteCopying(copying: Copying): Promise<void>
  /** Tells the next run that this is the copy, which then need not be read either. */
  noteCopy(copy: Pick<PinnedObject, 'key' | 'etag'>): Promise<void>
}

/**
 * The digests of an object that is larger than the disk, read in ranges at flat memory and over as many runs as it takes: each goes
 * on at the checkpoint of the one before and leaves its own, every 4 GiB, every 45 seconds, and when it ends. Throws
 * `unavailable` when the object changes meanwhile.
 */
export async function readLarge(
  services: Services,
  { readStepBytes = stepBytesDefault }: Pick<WorkTools, 'readStepBytes'>,
  lease: Lease,
  pinned: PinnedObject,
): Promise<ReadWhole> {
  const { clock, site } = services
  const begun = await resume(services, lease, pinned)
  const { sha256, crc64 } = begun
  let { read } = begun
  let marked = { read, atMs: clock.now() }
  const state = (made: Pick<Reading, 'copy' | 'copying'> = {}): JsonObject => {
    const states = { sha256: sha256.save(), crc64nvme: crc64.save() }
    return sealed(lease, { site, ...pinned, read, ...states, ...made })
  }
  const mark = async (): Promise<void> => {
    if (read === marked.read) return
    await lease.checkpoint(state())
    marked = { read, atMs: clock.now() }
  }
  try {
    for await (const chunk of chunksFrom(services, pinned, { first: read, rangeBytes: readStepBytes }, lease.signal)) {
      sha256.update(chunk)
      crc64.update(chunk)
      read += chunk.byteLength
      lease.progress((readShare * read) / pinned.bytes)
      if (read - marked.read >= readStepBytes || clock.now() - marked.atMs >= stepMs) await mark()
    }
    await mark()
  } catch (error) {
    // Whatever ends a run, what it has read need not be read again.
    await quietly(services, lease, mark)
    throw error
  }
  return {
    digests: { bytes: read, sha256: sha256.hex(), crc64nvme: crc64.hex() },
    copying: begun.copying,
    noteCopying: (copying) => {
      const isFurther = copying.share > (begun.copying?.share ?? 0)
      return isFurther ? lease.checkpoint(state({ copying })) : lease.note(state({ copying }))
    },
    noteCopy: async ({ key, etag }) => {
      const isKnown = [pinned, begun.copy].some((one) => one?.key === key && one.etag === etag)
      if (!isKnown) await lease.note(state({ copy: { key, etag } }))
    },
  }
}

/** Tells the next run how far this one came that fails, unless that is another's matter by now. */
export async function quietly(services: Services, lease: Lease, mark: () => Promise<void>): Promise<void> {
  if (lease.isLost()) return
  try {
    await mark()
  } catch (error) {
    services.telemetry.log('warn', 'How far a run came could not be kept', { ...lease.ref }, error)
  }
}

/** A connection that ends early is begun anew where it ended; one that gives nothing at all is a failure. */
async function* chunksFrom(
  services: Services,
  pinned: PinnedObject,
  { first, rangeBytes }: { readonly first: number; readonly rangeBytes: number },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for (let at = first; at < pinned.bytes; ) {
    const begunAt = at
    const end = Math.min(at + rangeBytes, pinned.bytes)
    try {
      for await (const chunk of await openPinned(services, pinned, { first: at, last: end - 1 }, signal)) {
        signal.throwIfAborted()
        if (at + chunk.byteLength > end)
          throw new CatamaranError('unavailable', 'The store gave more than was asked for.')
        at += chunk.byteLength
        yield chunk
      }
    } catch (error) {
      signal.throwIfAborted()
      if (at === begunAt) throw error
    }
    if (at === begunAt) throw new CatamaranError('unavailable', `The store gave none of the bytes from ${at} on.`)
  }
}

/** Of which job a reading is, and that nothing of it became something else: digests that go on from other states are of other bytes. */
const sealOf = ({ ref }: Lease, reading: Reading): string =>
  derivedId('reading', ref.tenant, ref.job, canonicalJson(reading))

const sealed = (lease: Lease, reading: Reading): JsonObject => ({ reading, seal: sealOf(lease, reading) })

interface Begun extends Pick<Reading, 'read' | 'copying' | 'copy'> {
  readonly sha256: Running
  readonly crc64: Running
}

/** Where an earlier run stopped, if it read these very bytes and left what this one can go on from; else the beginning. */
async function resume({ site, telemetry }: Services, lease: Lease, pinned: PinnedObject): Promise<Begun> {
  const { sha256, crc64 } = await hashing
  const { reading, seal } = (lease.job.checkpoint ?? {}) as { reading?: Reading; seal?: string }
  const isOf = (one: Pick<Reading, 'key' | 'etag'> | undefined): boolean =>
    one?.key === pinned.key && one.etag === pinned.etag
  if (reading?.site === site && reading.bytes === pinned.bytes && (isOf(reading) || isOf(reading.copy))) {
    try {
      const begun = { ...reading, sha256: sha256(reading.sha256), crc64: crc64(reading.crc64nvme) }
      if (seal === sealOf(lease, reading)) {
        telemetry.log('info', 'The reading of a large file goes on', { ...lease.ref, read: reading.read })
        return begun
      }
    } catch {
      // Saved by another version of this code.
    }
  }
  return { read: 0, sha256: sha256(), crc64: crc64() }
}
