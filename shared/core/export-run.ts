import { join } from 'node:path'
import { assetKey, objectKeyOf, type AssetBody, type Failure, type MediaBody } from '../domain/asset.ts'
import { CatamaranError, isCatamaranError, publicMessageOf } from '../domain/errors.ts'
import {
  dayBeginMs,
  dayMs,
  exportAssetId,
  exportColumns,
  exportId,
  exportKey,
  type ExportBody,
  type ExportRef,
  parseExportId,
} from '../domain/export.ts'
import { clearExportWork, holdExport, type ExportHold } from './export-hold.ts'
import { sortExport } from './export-sort.ts'
import { readExport, sendExport } from './exports.ts'
import { writeMedia } from './media-store.ts'
import { writeRecord } from './records.ts'
import { replicatedUntilMs } from './replication-marks.ts'
import type { Services } from './services.ts'
import { digestsOfFile, fileStream, type Digests } from './work-file.ts'
import type { WorkTools } from './work-tools.ts'

const attemptsMax = 6
/** So long a day waits for what the other site wrote in it. */
const patienceMs = 24 * 3_600_000
export const exportType = 'application/vnd.apache.parquet'
const none = { precondition: { kind: 'none' } } as const

export interface ExportOrder {
  readonly tenant: string
  readonly id: string
  /** In the other site's stead. */
  readonly takeover: boolean
}

/**
 * Makes an export: the object first, then the asset that it is, then the record that says so. Doing it twice makes the same
 * bytes under the same name. While the other site's writes of that day have not all come, it is left for the sweep. A run that
 * is cut short goes on where it was with the next message.
 */
export async function runExport(
  services: Services,
  work: WorkTools,
  { tenant, id, takeover }: ExportOrder,
  signal: AbortSignal,
): Promise<void> {
  const ref = parseExportId(id)
  if (!ref) return
  const body = await readExport(services, tenant, ref)
  if (body?.state !== 'waiting' || (body.site !== services.site && !takeover)) return
  const beginMs = dayBeginMs(ref.date) ?? 0
  const complete = (await replicatedUntilMs(services)) >= beginMs + dayMs
  if (!complete && services.clock.now() < beginMs + dayMs + patienceMs) return
  const hold = await holdExport(services, { tenant, id })
  if (!hold) return
  try {
    const made = await makeExport(services, work, { tenant, ref, beginMs, hold, signal })
    const done: ExportBody = { ...ref, site: services.site, state: 'done', attempts: 0, ...made, complete }
    await writeRecord(services, exportKey(tenant, ref), none, (present) =>
      present?.['state'] === 'done' ? present : done,
    )
    await clearExportWork(services, { tenant, id })
  } catch (error) {
    if (hold.isLost()) {
      return services.telemetry.log('warn', 'Another run makes an export by now', { tenant, export: id }, error)
    }
    await hold.release()
    // Who came further has not failed; the function's time was over.
    if (signal.aborted && hold.moved()) return sendExport(services, tenant, id, takeover)
    await noteFailure(services, tenant, ref, error)
  }
}

interface Making {
  readonly tenant: string
  readonly ref: ExportRef
  readonly beginMs: number
  readonly hold: ExportHold
  readonly signal: AbortSignal
}

async function makeExport(
  services: Services,
  work: WorkTools,
  making: Making,
): Promise<{ asset: string; rows: number; bytes: number; sha256: string }> {
  const { tenant, ref, signal } = making
  const asset = exportAssetId(ref)
  const folder = await work.workFolder()
  try {
    const path = join(folder.path, 'export.parquet')
    const rows = await writeRows(services, making, { folder: folder.path, path })
    const digests = await digestsOfFile(path, signal)
    const { bytes, sha256, crc64nvme } = digests
    const objectKey = objectKeyOf(tenant, asset, sha256)
    const options = { mediaType: exportType, metadata: { sha256, crc64nvme }, bytes, ifAbsent: true, signal }
    await services.objects.put(objectKey, fileStream(path), options)
    await nameExport(services, making, { asset, rows, objectKey, digests })
    return { asset, rows, bytes, sha256 }
  } finally {
    await folder.remove()
  }
}

async function writeRows(
  services: Services,
  { tenant, ref, beginMs, hold, signal }: Making,
  { folder, path }: { readonly folder: string; readonly path: string },
): Promise<number> {
  const period = { beginMs, endMs: beginMs + dayMs }
  const sorted = await sortExport(services, { tenant, id: exportId(ref), ref, period, hold, folder, signal })
  // Large, and of use to no other function than that which does long work.
  const { parquetFile } = await import('../data/parquet-writer.ts')
  await using parquet = await parquetFile(path, exportColumns[ref.kind])
  let rows = 0
  for await (const row of sorted.rows()) {
    signal.throwIfAborted()
    if (parquet.add(row)) {
      await parquet.flush()
      await hold.renew()
    }
    rows++
  }
  await parquet.finish()
  if (parquet.misfits.size === 0) return rows
  throw new CatamaranError('internal', `Columns of an export do not fit: ${[...parquet.misfits.keys()].join()}`)
}

/** An export is an asset with one rendition: so it replicates, is listed, read and queried like any other. */
async function nameExport(
  services: Services,
  { tenant, ref }: Making,
  made: { readonly asset: string; readonly rows: number; readonly objectKey: string; readonly digests: Digests },
): Promise<void> {
  const { asset, rows, objectKey, digests } = made
  const { kind, date } = ref
  const body: AssetBody = {
    name: `exports/${kind}/date=${date}.parquet`,
    mediaType: exportType,
    labels: { export: kind, date },
    source: { kind: 'export' },
  }
  await writeRecord(services, assetKey(tenant, asset), none, (present) => {
    if (!present) return body
    if ((present as AssetBody).source.kind === 'export') return present
    throw new CatamaranError('already-exists', `There is an asset ${asset} already, which is no export.`)
  })
  const columns = Object.entries(exportColumns[kind]).map(([name, type]) => ({ name, type }))
  const media: MediaBody = {
    status: 'ready',
    version: digests.sha256,
    job: exportId(ref),
    site: services.site,
    mediaType: exportType,
    kind: 'data',
    ...digests,
    objectKey,
    properties: { rows, columns },
    renditions: [{ name: 'parquet', version: 1, objectKey, mediaType: exportType, ...digests, properties: { rows } }],
  }
  await writeMedia(services, tenant, asset, () => media)
}

/** The sweep sends it again, so often. */
async function noteFailure(services: Services, tenant: string, ref: ExportRef, error: unknown): Promise<void> {
  services.telemetry.log('warn', 'An export failed', { tenant, export: exportId(ref) }, error)
  const failure: Failure = { code: isCatamaranError(error) ? error.code : 'internal', detail: publicMessageOf(error) }
  await writeRecord(services, exportKey(tenant, ref), none, (present) => {
    const body = present as ExportBody | undefined
    if (body?.state !== 'waiting') return present ?? null
    const attempts = body.attempts + 1
    return { ...body, attempts, state: attempts >= attemptsMax ? 'failed' : 'waiting', error: failure }
  })
}
