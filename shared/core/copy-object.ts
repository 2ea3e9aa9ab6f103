import { digestOfKey } from '../domain/asset.ts'
import { CatamaranError, hasCode } from '../domain/errors.ts'
import type { ReadGrant } from '../ports/peer.ts'
import type { SiteItem } from '../ports/site-store.ts'
import { backoffMs } from '../replication/backoff.ts'
import { changeHeld, copyLeaseMs, holdCopy, type CopyHold } from './copy-hold.ts'
import { abandon, copyInParts, copyPartBytes } from './copy-parts.ts'
import type { CopiedParts, CopySource } from './copy-run.ts'
import { attemptsMax } from './job-state.ts'
import { fileJob } from './job-store.ts'
import {
  endMissing,
  getMissing,
  missingOf,
  missingPartition,
  sendCopy,
  type CopyState,
  type CopyTarget,
  type MissingObject,
} from './missing-objects.ts'
import { copyUnseen, copyWhole } from './copy-whole.ts'
import type { Services } from './services.ts'
import type { WorkTools } from './work-tools.ts'

/** How long a message may take before the sweep sends another. */
const overdueMs = 15_000
/** A grant with less time left than this is renewed before it is used. */
const grantLeftMs = 60_000
const takeTriesMax = 3
const retryMs = { baseMs: 2_000, capMs: 300_000 }
/** A copy that was given up is tried again this rarely: the peer may have repaired its object. */
const givenUpMs = 6 * 3_600_000

/**
 * Copies one object from the peer, at flat memory and verified: the object appears only when SHA-256 (its name), CRC and
 * size are those that the peer vouched for. Safe to do twice; what was stored of a large object stays stored for the next
 * run. A peer that is away costs no attempt.
 */
export async function copyObject(
  services: Services,
  work: WorkTools,
  target: CopyTarget,
  signal: AbortSignal,
): Promise<void> {
  const item = await getMissing(services, target.key)
  if (!item && (await services.objects.head(target.key))) return finishCopy(services, target)
  const missing = await takeCopy(services, target, item)
  if (!missing) return
  const hold = holdCopy(services, missing, signal)
  try {
    await copyVerified(services, work, hold)
  } catch (error) {
    await hold.stop()
    return copyFailed(services, hold, error, signal)
  }
  await hold.stop()
  await finishCopy(services, target)
}

async function finishCopy(services: Services, target: CopyTarget): Promise<void> {
  await endMissing(services, target)
  services.telemetry.log('info', 'An object is here', { ...target })
}

/** Undefined while another run copies the same object. */
async function takeCopy(
  services: Services,
  target: CopyTarget,
  item: SiteItem | undefined,
  triesLeft = takeTriesMax,
): Promise<MissingObject | undefined> {
  const nowMs = services.clock.now()
  const known: MissingObject = item
    ? missingOf(item)
    : { ...target, sinceMs: nowMs, dueMs: nowMs, attempts: 0, leaseUntilMs: 0 }
  if (known.leaseUntilMs > nowMs) return undefined
  const holder = Buffer.from(services.random.bytes(12)).toString('base64url')
  const value = { ...known, holder, leaseUntilMs: nowMs + copyLeaseMs, dueMs: nowMs + copyLeaseMs }
  const condition = item ? ({ kind: 'unchanged', token: item.token } as const) : ({ kind: 'absent' } as const)
  const isOurs = await services.siteStore.put(
    { partition: missingPartition(target.key), id: target.key, value },
    condition,
  )
  if (isOurs) return value
  // A mark changes too when one more asset comes to wait for the object.
  const changed = triesLeft > 1 ? await getMissing(services, target.key) : undefined
  return changed && takeCopy(services, target, changed, triesLeft - 1)
}

async function copyVerified(services: Services, work: WorkTools, hold: CopyHold): Promise<void> {
  const { key } = hold.missing
  const assertSameAs: Parameters<typeof copyUnseen>[3] = (promised, found) => assertSame(key, promised, found)
  if (await copyUnseen(services, work, hold, assertSameAs)) return
  const given = await grantUnlessHere(services, key)
  if (!given) return abandonLeft(services, hold)
  let grant = given
  const source: CopySource = {
    grant,
    url: async () => {
      if (grant.expiresAtMs - services.clock.now() < grantLeftMs) grant = await grantOf(services, key)
      return grant.url
    },
  }
  if (grant.bytes <= copyPartBytes(work)) return copyWhole(services, work, { hold, source }, assertSameAs)
  if (!(await services.objects.head(key))) {
    return copyInParts(services, work, { hold, source }, (found) => assertSame(key, source.grant, found))
  }
  await abandonLeft(services, hold)
}

/** What an earlier run stored of an object that is here whole. */
async function abandonLeft(services: Services, { missing: { key, copy } }: CopyHold): Promise<void> {
  if (copy) await abandon(services, { key, uploadId: copy.uploadId })
}

/** Undefined when an earlier run got further than it was told, and the peer has lost the object since. */
async function grantUnlessHere(services: Services, key: string): Promise<ReadGrant | undefined> {
  try {
    return await grantOf(services, key)
  } catch (error) {
    if (hasCode(error, 'not-found') && (await services.objects.head(key))) return undefined
    throw error
  }
}

async function grantOf(services: Services, key: string): Promise<ReadGrant> {
  const [grant] = await services.peer.grantRead([key])
  if (grant) return grant
  throw new CatamaranError('not-found', 'The peer does not have this object.')
}

/** Bytes that the store copied by itself have no SHA-256 here: that of the peer's record counts, by size and CRC alone. */
function assertSame(
  key: string,
  { bytes, metadata }: Pick<ReadGrant, 'bytes' | 'metadata'>,
  found: CopiedParts['digests'],
): void {
  const crc = metadata['crc64nvme']
  const sha256 = found.sha256 ?? (crc ? metadata['sha256'] : undefined)
  if (sha256 === digestOfKey(key) && found.bytes === bytes && (!crc || crc === found.crc64nvme)) return
  throw new CatamaranError('conflict', `The bytes differ from what was verified at the peer: SHA-256 ${found.sha256}.`)
}

async function copyFailed(
  services: Services,
  { missing, moved, signal: holding }: CopyHold,
  error: unknown,
  signal: AbortSignal,
): Promise<void> {
  const { tenant, asset, key } = missing
  if (holding.aborted && !signal.aborted) {
    return services.telemetry.log('warn', 'A copy stopped: another run took it over', { key }, error)
  }
  const isBlameless = signal.aborted || hasCode(error, 'peer-unavailable')
  // Other bytes than were promised are a failure however far it went; what merely stopped on its way is not.
  const hasMoved = moved() && !hasCode(error, 'conflict')
  const attempts = isBlameless || hasMoved ? missing.attempts : missing.attempts + 1
  const detail = error instanceof Error ? error.message : String(error)
  services.telemetry.log('warn', 'An object was not copied', { key, attempts }, error)
  const nowMs = services.clock.now()
  if (attempts >= attemptsMax) {
    await fileJob(services, 'copy-object', { tenant, asset, key }, `Not copied after ${attempts} attempts: ${detail}`)
    return giveUp(services, missing, detail)
  }
  const delayMs = signal.aborted ? 0 : backoffMs(attempts + 1, services.random.fraction(), retryMs)
  const dueMs = nowMs + delayMs + overdueMs
  const isHeld = await changeHeld(services, missing, (held) => ({
    ...held,
    attempts,
    dueMs,
    leaseUntilMs: 0,
    error: detail,
  }))
  // Without an answer from the peer nothing is sent: the sweep asks once whether it is back, for all objects together.
  if (isHeld && (!isBlameless || signal.aborted)) await sendCopy(services, missing, delayMs)
}

/** What was stored of it is let go, and looked at again only after hours. */
async function giveUp(services: Services, missing: MissingObject, error: string): Promise<void> {
  let left: CopyState | undefined
  const dueMs = services.clock.now() + givenUpMs
  const isHeld = await changeHeld(services, missing, ({ copy, ...held }) => {
    left = copy
    return { ...held, attempts: 0, dueMs, leaseUntilMs: 0, error }
  })
  if (isHeld && left) await abandon(services, { key: missing.key, uploadId: left.uploadId })
}
