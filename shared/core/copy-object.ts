import { digestOfKey } from '../domain/asset.ts'
import { CatamaranError, hasCode } from '../domain/errors.ts'
import type { ReadGrant } from '../ports/peer.ts'
import { backoffMs } from '../replication/backoff.ts'
import { attemptsMax } from './job-state.ts'
import { fileJob } from './job-store.ts'
import {
  getMissing,
  markIfAllHere,
  missingOf,
  missingPartition,
  sendCopy,
  type CopyTarget,
  type MissingObject,
} from './missing-objects.ts'
import { rangedRead } from './ranged-read.ts'
import type { Services } from './services.ts'
import type { Digests } from './work-file.ts'
import type { WorkTools } from './work-tools.ts'

const leaseMs = 60_000
const renewMs = 20_000
/** How long a message may take before the sweep sends another. */
const overdueMs = 15_000
/** A grant with less time left than this is renewed before it is used. */
const grantLeftMs = 60_000
const retryMs = { baseMs: 2_000, capMs: 300_000 }
/** A copy that was given up is tried again this rarely: the peer may have repaired its object. */
const givenUpMs = 6 * 3_600_000

/**
 * Copies one object from the peer, at flat memory and verified: the object appears only when SHA-256 (its name), CRC and
 * size are those that the peer vouched for. Safe to do twice. A peer that is away costs no attempt.
 */
export async function copyObject(
  services: Services,
  work: WorkTools,
  target: CopyTarget,
  signal: AbortSignal,
): Promise<void> {
  if (await services.objects.head(target.key)) return finishCopy(services, target)
  const missing = await takeCopy(services, target)
  if (!missing) return
  try {
    await copyVerified(services, work, missing, signal)
  } catch (error) {
    return copyFailed(services, missing, error, signal)
  }
  await finishCopy(services, target)
}

async function finishCopy(services: Services, { tenant, asset, key }: CopyTarget): Promise<void> {
  await markIfAllHere(services, tenant, asset)
  await services.siteStore.remove(missingPartition(key), key)
}

/** Undefined while another run copies the same object. */
async function takeCopy(services: Services, target: CopyTarget): Promise<MissingObject | undefined> {
  const item = await getMissing(services, target.key)
  const nowMs = services.clock.now()
  const known: MissingObject = item
    ? missingOf(item)
    : { ...target, sinceMs: nowMs, dueMs: nowMs, attempts: 0, leaseUntilMs: 0 }
  if (known.leaseUntilMs > nowMs) return undefined
  const value = { ...known, leaseUntilMs: nowMs + leaseMs, dueMs: nowMs + leaseMs }
  const condition = item ? ({ kind: 'unchanged', token: item.token } as const) : ({ kind: 'absent' } as const)
  const isOurs = await services.siteStore.put(
    { partition: missingPartition(target.key), id: target.key, value },
    condition,
  )
  return isOurs ? value : undefined
}

const keep = (services: Services, value: MissingObject): Promise<boolean> =>
  services.siteStore.put({ partition: missingPartition(value.key), id: value.key, value }, { kind: 'any' })

async function copyVerified(
  services: Services,
  work: WorkTools,
  missing: MissingObject,
  signal: AbortSignal,
): Promise<void> {
  const { key } = missing
  let grant = await grantOf(services, key)
  let renewedMs = services.clock.now()
  let failure: unknown
  const source = {
    bytes: grant.bytes,
    url: async () => {
      if (grant.expiresAtMs - services.clock.now() < grantLeftMs) grant = await grantOf(services, key)
      return grant.url
    },
  }
  const stream = rangedRead(work.fetch, source, {
    signal,
    sleep: (ms, until) => services.clock.sleep(ms, until),
    onRange: async () => {
      const nowMs = services.clock.now()
      if (nowMs - renewedMs < renewMs) return
      renewedMs = nowMs
      await keep(services, { ...missing, leaseUntilMs: nowMs + leaseMs, dueMs: nowMs + leaseMs })
    },
    onEnd: (digests) => assertSame(key, grant, digests),
    onError: (error) => {
      failure = error
    },
  })
  const { bytes, mediaType, metadata } = grant
  try {
    await services.objects.put(key, stream, { mediaType, metadata, bytes, ifAbsent: true, signal })
  } catch (error) {
    throw failure ?? error
  }
}

async function grantOf(services: Services, key: string): Promise<ReadGrant> {
  const [grant] = await services.peer.grantRead([key])
  if (grant) return grant
  throw new CatamaranError('not-found', 'The peer does not have this object.')
}

function assertSame(key: string, { bytes, metadata }: ReadGrant, found: Digests): void {
  const crc = metadata['crc64nvme']
  if (found.sha256 === digestOfKey(key) && found.bytes === bytes && (!crc || crc === found.crc64nvme)) return
  throw new CatamaranError('conflict', `The bytes differ from what was verified at the peer: SHA-256 ${found.sha256}.`)
}

async function copyFailed(
  services: Services,
  missing: MissingObject,
  error: unknown,
  signal: AbortSignal,
): Promise<void> {
  const { tenant, asset, key } = missing
  const isBlameless = signal.aborted || hasCode(error, 'peer-unavailable')
  const attempts = isBlameless ? missing.attempts : missing.attempts + 1
  const detail = error instanceof Error ? error.message : String(error)
  services.telemetry.log('warn', 'An object was not copied', { key, attempts }, error)
  if (attempts >= attemptsMax) {
    await fileJob(services, 'copy-object', { tenant, asset, key }, `Not copied after ${attempts} attempts: ${detail}`)
    const dueMs = services.clock.now() + givenUpMs
    await keep(services, { ...missing, attempts: 0, dueMs, leaseUntilMs: 0, error: detail })
    return
  }
  const delayMs = signal.aborted ? 0 : backoffMs(attempts + 1, services.random.fraction(), retryMs)
  const dueMs = services.clock.now() + delayMs + overdueMs
  await keep(services, { ...missing, attempts, dueMs, leaseUntilMs: 0, error: detail })
  // Without an answer from the peer nothing is sent: the sweep asks once whether it is back, for all objects together.
  if (!isBlameless || signal.aborted) await sendCopy(services, missing, delayMs)
}
