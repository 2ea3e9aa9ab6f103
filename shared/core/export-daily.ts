import { dayMs, exportKinds, type ExportKind } from '../domain/export.ts'
import type { RecordKey, StoredRecord } from '../domain/record.ts'
import type { Site } from '../domain/site.ts'
import { closeMs, readExport, requestExport, standbyMs } from './exports.ts'
import { openExportShards, putDue, type DueEntry } from './open-work.ts'
import { readRecord } from './record-reads.ts'
import { writeRecord } from './records.ts'
import type { Services } from './services.ts'

export const exportSettingsCollection = '_export-settings'
/** Beside the ids of exports, which all hold a day. */
export const dailyId = 'daily'
/** Days that were missed while nobody looked are made up for, so many. */
const daysBackMax = 7

/** What of a tenant is exported each day without being asked for. */
export type ExportSettings = {
  kinds: ExportKind[]
  /** The site that does it; the other one while that is away. */
  site: Site
}

const settingsKey = (tenant: string): RecordKey => ({ tenant, collection: exportSettingsCollection, id: dailyId })
const nothing: readonly ExportKind[] = []

export async function readExportSettings(services: Services, tenant: string): Promise<Pick<ExportSettings, 'kinds'>> {
  const body = (await readRecord(services, settingsKey(tenant)))?.body as ExportSettings | undefined
  return { kinds: body?.kinds ?? [...nothing] }
}

/** From the day that ends next on; the site that is told does it. */
export async function writeExportSettings(
  services: Services,
  tenant: string,
  kinds: readonly ExportKind[],
): Promise<Pick<ExportSettings, 'kinds'>> {
  const wanted = exportKinds.filter((kind) => kinds.includes(kind))
  const body: ExportSettings = { kinds: wanted, site: services.site }
  await writeRecord(services, settingsKey(tenant), { precondition: { kind: 'none' } }, () => body)
  return { kinds: wanted }
}

/** Called with every state of the settings that comes to be here. */
export async function indexExportSettings(services: Services, { key, body }: StoredRecord): Promise<void> {
  const { site } = body as ExportSettings
  await putDue(services, openExportShards, dueOf(services, key.tenant, site))
}

/** Just after the next day's end: a fixed moment, so that being told twice makes one entry. */
function dueOf({ clock, site }: Services, tenant: string, home: Site): DueEntry {
  const nextMs = Math.floor((clock.now() - closeMs) / dayMs + 1) * dayMs + closeMs
  return { dueMs: nextMs + (home === site ? 0 : standbyMs), tenant, id: dailyId, value: {} }
}

/** Asks for the days that are over and not asked for yet, those since the settings were made; then waits for the next. */
export async function sweepDaily(
  services: Services,
  { tenant }: DueEntry,
  isPeerUp: () => Promise<boolean>,
): Promise<DueEntry | undefined> {
  const record = await readRecord(services, settingsKey(tenant))
  const settings = record?.body as ExportSettings | undefined
  if (!record || !settings || settings.kinds.length === 0) return undefined
  if (settings.site === services.site || !(await isPeerUp())) {
    const lastMs = Math.floor((services.clock.now() - closeMs) / dayMs) * dayMs - dayMs
    const firstMs = Math.max(record.createdMs - (record.createdMs % dayMs), lastMs - (daysBackMax - 1) * dayMs)
    for (let ms = firstMs; ms <= lastMs; ms += dayMs) {
      const date = new Date(ms).toISOString().slice(0, 10)
      for (const kind of settings.kinds) {
        if (!(await readExport(services, tenant, { kind, date }))) await requestExport(services, tenant, { kind, date })
      }
    }
  }
  return dueOf(services, tenant, settings.site)
}
