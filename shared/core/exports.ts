import { CatamaranError } from '../domain/errors.ts'
import {
  dayBeginMs,
  dayMs,
  exportAssetId,
  exportId,
  exportKey,
  type ExportBody,
  type ExportRef,
  parseExportId,
} from '../domain/export.ts'
import { historyMs } from '../domain/limits.ts'
import type { StoredRecord } from '../domain/record.ts'
import type { Page, PageRequest } from '../ports/page.ts'
import { clearExportWork } from './export-hold.ts'
import { openExportShards, putDue, type DueEntry } from './open-work.ts'
import { listRecords, readRecord } from './record-reads.ts'
import { writeRecord } from './records.ts'
import type { Services } from './services.ts'

/** A day is closed when what was under way at its end has been written. */
export const closeMs = 15 * 60_000
const resendMs = 5 * 60_000
/** How much longer the other site waits before it looks. */
export const standbyMs = 30 * 60_000
const none = { precondition: { kind: 'none' } } as const

/**
 * Has a closed day exported by this site, once: one that is there, or being made, stays as it is, one that failed is begun again.
 * Throws `conflict` for a day that is not over, `gone` for one whose history is no longer kept, `invalid-request`.
 */
export async function requestExport(services: Services, tenant: string, ref: ExportRef): Promise<ExportBody> {
  const beginMs = dayBeginMs(ref.date)
  if (beginMs === undefined) throw new CatamaranError('invalid-request', `${ref.date} is no day.`)
  const ageMs = services.clock.now() - beginMs
  if (ageMs < dayMs + closeMs) {
    const retryAfterMs = dayMs + closeMs - ageMs
    throw new CatamaranError('conflict', `${ref.date} is exported a quarter of an hour after it is over.`, {
      retryAfterMs,
    })
  }
  if (ageMs > historyMs - dayMs) {
    throw new CatamaranError('gone', `What records were on ${ref.date} is no longer known.`)
  }
  const fresh: ExportBody = { ...ref, site: services.site, state: 'waiting', attempts: 0, asset: exportAssetId(ref) }
  const { record } = await writeRecord(services, exportKey(tenant, ref), none, (body) =>
    body && body['state'] !== 'failed' ? body : fresh,
  )
  const body = record.body as ExportBody
  if (body.state === 'waiting') await sendExport(services, tenant, exportId(ref))
  return body
}

export const sendExport = (services: Services, tenant: string, id: string, takeover = false): Promise<void> =>
  services.jobs.send({ kind: 'export', payload: { tenant, export: id, takeover } })

/** Undefined when nobody has asked for it. */
export async function readExport(services: Services, tenant: string, ref: ExportRef): Promise<ExportBody | undefined> {
  return (await readRecord(services, exportKey(tenant, ref)))?.body as ExportBody | undefined
}

/** In order of kind and day. `after` is an id. */
export async function listExports(services: Services, tenant: string, page: PageRequest): Promise<Page<ExportBody>> {
  const { items, next } = await listRecords(services, { tenant, collection: '_exports' }, page)
  const bodies = items.map(({ body }) => body as ExportBody)
  return next === undefined ? { items: bodies } : { items: bodies, next }
}

/** Called with every state of an export that comes to be here: somebody has to look whether it was made, and to clear up. */
export async function indexOpenExport(services: Services, { key, body }: StoredRecord): Promise<void> {
  const { state, site } = body as ExportBody
  if (state !== 'waiting') return clearExportWork(services, key)
  const dueMs = services.clock.now() + (site === services.site ? resendMs : standbyMs)
  await putDue(services, openExportShards, { dueMs, tenant: key.tenant, id: key.id, value: {} })
}

/** Sends the message of an export that is still not made again; in the other site's stead when that is away. */
export async function sweepExport(
  services: Services,
  { tenant, id }: DueEntry,
  isPeerUp: () => Promise<boolean>,
): Promise<DueEntry | undefined> {
  const ref = parseExportId(id)
  const body = ref && (await readExport(services, tenant, ref))
  if (body?.state !== 'waiting') return undefined
  const isOwn = body.site === services.site
  if (isOwn || !(await isPeerUp())) await sendExport(services, tenant, id, !isOwn)
  return { dueMs: services.clock.now() + (isOwn ? resendMs : standbyMs), tenant, id, value: {} }
}
