import { hasCode } from '../domain/errors.ts'
import { hashing } from '../domain/hashing.ts'
import type { MultipartUpload, UploadedPart } from '../ports/object-store.ts'
import { copyByStore } from './copy-by-store.ts'
import { copyBytes } from './copy-bytes.ts'
import type { CopyHold } from './copy-hold.ts'
import type { CopiedParts, CopySource } from './copy-run.ts'
import { storedParts, type CopyState } from './missing-objects.ts'
import type { Services } from './services.ts'
import type { WorkTools } from './work-tools.ts'

const partBytesDefault = 8 * 2 ** 20
/** A part that the store copies by itself takes no memory here, and one call whatever its size. */
const storePartFactor = 8
/** So many that what a mark tells of each fits into a site item. */
const storePartsMax = 2_000
/** Past so many failed attempts the bytes pass through here, whatever the store can do. */
const storeAttemptsMax = 2

export const copyPartBytes = ({ copyPartBytes: told }: WorkTools): number => told ?? partBytesDefault

/**
 * Copies an object in parts, going on where an earlier run stopped. `assertSame` sees what was copied before the object
 * appears. An upload that cannot lead to the object any more is aborted; one that still can is kept for the next run.
 */
export async function copyInParts(
  services: Services,
  work: WorkTools,
  { hold, source }: { readonly hold: CopyHold; readonly source: CopySource },
  assertSame: (digests: CopiedParts['digests']) => void,
): Promise<void> {
  const { key } = hold.missing
  const plan = planOf(services, work, hold, source)
  const { state, held } = (await resume(services, hold, plan)) ?? {
    state: await begin(services, hold, source, plan),
    held: [],
  }
  const upload = { key, uploadId: state.uploadId }
  const run = { services, work, hold, source, upload, held }
  try {
    const { parts, digests } = await (state.by === 'bytes' ? copyBytes(run, state) : copyByStore(run, state))
    assertSame(digests)
    await services.objects.completeMultipart(upload, parts, { ifAbsent: true, crc64nvme: digests.crc64nvme })
  } catch (error) {
    if (isInVain(error)) await forget(services, hold, upload)
    throw error
  }
}

type Plan = Pick<CopyState, 'by' | 'partBytes'>

function planOf({ objects }: Services, work: WorkTools, { missing }: CopyHold, { grant }: CopySource): Plan {
  const { copyFromUrl, partsMax } = objects.supports
  const base = copyPartBytes(work)
  const byStore = copyFromUrl && grant.metadata['crc64nvme'] !== undefined && missing.attempts < storeAttemptsMax
  const sized = (unit: number, most: number): number => Math.ceil(Math.max(unit, grant.bytes / most) / unit) * unit
  return byStore
    ? { by: 'store', partBytes: sized(base * storePartFactor, storePartsMax) }
    : { by: 'bytes', partBytes: sized(base, partsMax) }
}

/** The state of an earlier run, if this one can go on from it: stores forget parts after a week. */
async function resume(
  services: Services,
  hold: CopyHold,
  plan: Plan,
): Promise<{ state: CopyState; held: readonly UploadedPart[] } | undefined> {
  const { key, copy: state } = hold.missing
  if (!state) return undefined
  const upload = { key, uploadId: state.uploadId }
  const held = await partsOf(services, upload)
  const done = storedParts(state)
  const isKnown = state.by === 'store' || (await canGoOn(state.sha256))
  const isWhole = Array.from({ length: done }, (_, index) => held.some(({ part }) => part === index + 1)).every(Boolean)
  if (isKnown && isWhole && state.by === plan.by && state.partBytes === plan.partBytes) return { state, held }
  await forget(services, hold, upload)
  return undefined
}

/** A state that another version of this code saved may not be readable by this one. */
async function canGoOn(sha256: string): Promise<boolean> {
  try {
    if (sha256 !== '') (await hashing).sha256(sha256)
    return true
  } catch {
    return false
  }
}

async function partsOf({ objects }: Services, upload: MultipartUpload): Promise<readonly UploadedPart[]> {
  try {
    return await objects.listParts(upload)
  } catch (error) {
    if (hasCode(error, 'not-found')) return []
    throw error
  }
}

async function begin(
  services: Services,
  hold: CopyHold,
  { grant }: CopySource,
  { by, partBytes }: Plan,
): Promise<CopyState> {
  const { mediaType, metadata } = grant
  const options = { mediaType, metadata, withChecksums: true }
  const { uploadId } = await services.objects.startMultipart(hold.missing.key, options)
  const state: CopyState =
    by === 'store'
      ? { by, uploadId, partBytes, stored: [] }
      : { by, uploadId, partBytes, parts: 0, crc64nvme: '', sha256: '' }
  hold.save(state)
  return state
}

/** Nothing that time cures: other bytes, an upload or an object that is gone, parts that do not fit together. */
const isInVain = (error: unknown): boolean =>
  hasCode(error, 'conflict') || hasCode(error, 'invalid-request') || hasCode(error, 'not-found')

/** The mark goes first: an upload that is left over by a crash is cleared by the store's own rules. */
async function forget(services: Services, hold: CopyHold, upload: MultipartUpload): Promise<void> {
  hold.save(undefined)
  await abandon(services, upload)
}

export async function abandon(services: Services, upload: MultipartUpload): Promise<void> {
  try {
    await services.objects.abortMultipart(upload)
  } catch (error) {
    services.telemetry.log('warn', 'An upload was not aborted', { key: upload.key }, error)
  }
}
