import { join } from 'node:path'
import { sortedRows, type SortedRows } from '../data/sorted-rows.ts'
import { CatamaranError } from '../domain/errors.ts'
import type { ExportRef } from '../domain/export.ts'
import type { ExportHold, ExportProgress } from './export-hold.ts'
import { exportRows, type ExportPosition, type Period } from './export-rows.ts'
import type { Services } from './services.ts'
import { exportFolder } from './staging.ts'
import { digestsOfFile, fileStream, streamToFile } from './work-file.ts'

/** At most so much reading is lost with a run that dies. */
const saveMs = 60_000
const runType = 'application/x-ndjson'

interface Sorting {
  readonly tenant: string
  readonly id: string
  readonly ref: ExportRef
  readonly period: Period
  readonly hold: ExportHold
  readonly folder: string
  readonly signal: AbortSignal
}

/**
 * Reads the rows of an export, into files of a folder as far as they are many. Goes on where the run before came to: what
 * has been read is staged every minute, and whenever there is much of it.
 */
export async function sortExport(services: Services, sorting: Sorting): Promise<SortedRows> {
  const { tenant, ref, period, hold, folder, signal } = sorting
  const sorted = sortedRows(folder)
  let progress = await adoptRuns(services, sorting, sorted)
  let savedMs = services.clock.now()
  const from = progress.position ?? undefined
  for await (const step of exportRows(services, tenant, { kind: ref.kind, period, from, signal })) {
    if (step.kind === 'row') {
      await sorted.add(step.key, step.row)
      continue
    }
    const isDue = sorted.runs.length > progress.runs.length || services.clock.now() - savedMs >= saveMs
    if (!isDue) {
      await hold.renew()
      continue
    }
    progress = await stageRuns(services, sorting, sorted, { staged: progress, position: step.position })
    savedMs = services.clock.now()
  }
  return sorted
}

/** The files of the run before, as they were; none when one of them is not there any more. */
async function adoptRuns(services: Services, sorting: Sorting, sorted: SortedRows): Promise<ExportProgress> {
  const { hold, folder, signal } = sorting
  const paths: string[] = []
  for (const [index, { key, bytes, sha256 }] of hold.begun.runs.entries()) {
    await hold.renew()
    const path = join(folder, `staged-${index}`)
    const body = await services.objects.get(key, undefined, signal)
    const digests = body && (await streamToFile(body.stream, path, { bytesMax: bytes, signal }))
    if (digests?.sha256 !== sha256) {
      services.telemetry.log('warn', 'What an export had read is gone; it is read again', { key })
      return { position: null, runs: [] }
    }
    paths.push(path)
  }
  for (const path of paths) sorted.adopt(path)
  return hold.begun
}

async function stageRuns(
  services: Services,
  { tenant, id, hold, signal }: Sorting,
  sorted: SortedRows,
  { staged, position }: { readonly staged: ExportProgress; readonly position: ExportPosition },
): Promise<ExportProgress> {
  await sorted.spill()
  const runs = [...staged.runs]
  for (const path of sorted.runs.slice(staged.runs.length)) {
    await hold.renew()
    const { bytes, sha256, crc64nvme } = await digestsOfFile(path, signal)
    const key = `${exportFolder(tenant, id)}${sha256}`
    const metadata = { sha256, crc64nvme }
    await services.objects.put(key, fileStream(path), { mediaType: runType, metadata, bytes, signal })
    runs.push({ key, bytes, sha256 })
  }
  if (runs.length > runsMax) throw new CatamaranError('too-large', 'A day has too many rows to be exported.')
  const progress = { position, runs }
  await hold.save(progress)
  return progress
}

/** As many names as an item of either store holds with ease. */
const runsMax = 500
