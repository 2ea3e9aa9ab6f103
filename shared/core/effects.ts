import type { JobBody, MediaBody, UploadBody, VariantsBody } from '../domain/asset.ts'
import type { StoredRecord } from '../domain/record.ts'
import { webhookLanesCollection, webhooksCollection } from '../domain/webhook.ts'
import { indexOpenAnalysis } from './analysis-order.ts'
import { conflictsCollection } from './conflict-record.ts'
import { exportSettingsCollection, indexExportSettings } from './export-daily.ts'
import { indexOpenExport } from './exports.ts'
import { keepToDrop, recheckDrop } from './drops.ts'
import { fetchVariants } from './fetch-variants.ts'
import { hasEnded } from './job-state.ts'
import { readMedia } from './media-store.ts'
import { fetchMissing } from './missing-objects.ts'
import { indexOpenConflict, indexOpenJob, indexOpenUpload } from './open-work.ts'
import { isOfThisLife } from './own-life.ts'
import type { Services } from './services.ts'
import { listAgain } from './sharers.ts'
import { filmFolder, removeStagedOf, removeStagedUnder } from './staging.ts'
import { tracedBy } from './trace.ts'
import { noteUnfinished } from './unfinished.ts'
import { announce, hearDone, indexEndpoint } from './webhook-announce.ts'

/**
 * What follows at this site from a record's new state, wherever it was written. Called at least once for every change that
 * stays, in any order; everything here may be done twice.
 */
export async function onRecordChanged(services: Services, record: StoredRecord): Promise<void> {
  const { tenant, collection, id } = record.key
  if (collection === 'assets') return announce(services, record)
  if (collection === webhooksCollection) return indexEndpoint(services, record)
  if (record.deleted || !record.body) return
  switch (collection) {
    case '_media': {
      const media = record.body as MediaBody
      await announce(services, record)
      if (record.via !== 'client') await keepToDrop(services, tenant, id, media)
      await listAgain(services, record)
      if (record.via !== 'client') await noteUnfinished(services, { tenant, job: media.job }, media)
      const here = tracedBy(services, media.trace)
      here.telemetry.log('info', 'An asset changed', { tenant, asset: id, status: media.status, via: record.via })
      return fetchMissing(here, tenant, id, media, record.via)
    }
    case '_variants':
      return fetchVariants(services, tenant, record.body as VariantsBody, record.via)
    case '_jobs': {
      const job = record.body as JobBody
      if (!hasEnded(job)) return indexOpenJob(services, record)
      if (record.via !== 'client')
        await noteUnfinished(services, { tenant, job: id }, await readMedia(services, tenant, job.asset))
      return clearStaging(services, tenant, job)
    }
    case '_uploads': {
      const upload = record.body as UploadBody
      if (upload.site !== services.site) return
      if (!isOfThisLife(services, record)) await recheckDrop(services, upload)
      return indexOpenUpload(services, record, upload)
    }
    case exportSettingsCollection:
      return indexExportSettings(services, record)
    case '_exports':
      return indexOpenExport(services, record)
    case '_analysis':
      return indexOpenAnalysis(services, record)
    case webhookLanesCollection:
      return hearDone(services, record)
    case conflictsCollection:
      return indexOpenConflict(services, record)
    default:
  }
}

/** A film in parts leaves what they staged, and a job that the other site finished its staged bytes; what was rejected stays to be looked at. */
async function clearStaging(services: Services, tenant: string, job: JobBody): Promise<void> {
  const { kind, state, site, source, asset, version, isFilm } = job
  if (kind === 'film-part') return
  if (isFilm) await removeStagedUnder(services, filmFolder(tenant, asset, version))
  const isLeftHere = state === 'done' && site !== services.site && source.site === services.site && !source.drop
  if (isLeftHere) await removeStagedOf(services, { tenant, asset }, source.key)
}
