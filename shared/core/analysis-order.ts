import { analysisKey, isPicture, type AnalysisBody } from '../domain/analysis.ts'
import type { StoredRecord } from '../domain/record.ts'
import { peerOf } from '../domain/site.ts'
import { stampMs } from '../domain/stamp.ts'
import { readMedia } from './media-store.ts'
import { openAnalysisShards, putDue, type DueEntry } from './open-work.ts'
import { readRecords } from './record-reads.ts'
import type { Services } from './services.ts'

/** Longer than the pause between two tries, and than a message is hidden by a run that died. */
const resendMs = 20 * 60_000
/** With the pauses doubling, this is most of a day. Where analysis was switched off meanwhile, nobody will ever look. */
const resendsMax = 6

export interface AnalysisRef {
  readonly tenant: string
  readonly asset: string
}

/**
 * After the asset is ready, so that a service that is slow or away holds nothing up. It is noted for the sweep before the message
 * is sent, which may get lost.
 */
export async function orderAnalysis(services: Services, ref: AnalysisRef): Promise<void> {
  const dueMs = services.clock.now() + resendMs
  await putDue(services, openAnalysisShards, { dueMs, tenant: ref.tenant, id: ref.asset, value: { sent: 0 } })
  await sendAnalysis(services, ref)
}

export const sendAnalysis = ({ jobs }: Services, { tenant, asset }: AnalysisRef, delayMs = 0): Promise<void> =>
  jobs.send({ kind: 'analyse', payload: { tenant, asset } }, delayMs > 0 ? { delayMs } : {})

/** Called with every analysis that comes to be here: one that waits may have been noted by a site that lost its notes. */
export async function indexOpenAnalysis(services: Services, { key, body, stamp }: StoredRecord): Promise<void> {
  const { state, site, asset } = body as AnalysisBody
  if (state !== 'waiting' || site !== services.site) return
  const dueMs = stampMs(stamp) + resendMs
  await putDue(services, openAnalysisShards, { dueMs, tenant: key.tenant, id: asset, value: { sent: 0 } })
}

/** Sends the message of an asset again that neither site has looked at by now. */
export async function sweepAnalysis(
  services: Services,
  { tenant, id: asset, value }: DueEntry,
): Promise<DueEntry | undefined> {
  const media = await readMedia(services, tenant, asset)
  if (!media?.sha256 || media.status !== 'ready' || !isPicture(media)) return undefined
  const [own, theirs] = await analysesOfBytes(services, { tenant, asset }, media.sha256)
  const state = own && bodyOf(own).state
  if (state === 'done' || state === 'failed' || (theirs && bodyOf(theirs).state === 'done')) return undefined
  const nowMs = services.clock.now()
  const sent = Number(value['sent'] ?? 0)
  const triedMs = own ? stampMs(own.stamp) : 0
  if (triedMs + resendMs > nowMs) return { dueMs: triedMs + resendMs, tenant, id: asset, value: { sent } }
  if (sent >= resendsMax) {
    services.telemetry.log('warn', 'An analysis was ordered again and again, and nobody looked', { tenant, asset })
    return undefined
  }
  await sendAnalysis(services, { tenant, asset })
  return { dueMs: nowMs + resendMs * 2 ** sent, tenant, id: asset, value: { sent: sent + 1 } }
}

const bodyOf = ({ body }: StoredRecord): AnalysisBody => body as AnalysisBody

/** What both sites found in these bytes: this one's first. */
export async function analysesOfBytes(
  services: Services,
  { tenant, asset }: AnalysisRef,
  source: string,
): Promise<(StoredRecord | undefined)[]> {
  const sites = [services.site, peerOf(services.site)]
  const records = await readRecords(
    services,
    sites.map((site) => analysisKey(tenant, asset, site)),
  )
  return records.map((record) => ((record?.body as AnalysisBody | undefined)?.source === source ? record : undefined))
}
