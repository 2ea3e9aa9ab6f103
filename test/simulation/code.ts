import { applyStates } from '../../shared/core/apply.ts'
import { createAsset } from '../../shared/core/assets.ts'
import { freezeBreaker, rejectBreaker, releaseBreaker } from '../../shared/core/breaker-control.ts'
import { answerBuckets } from '../../shared/core/bucket-reading.ts'
import { listChanges } from '../../shared/core/changes.ts'
import { scanDrops } from '../../shared/core/drop-scan.ts'
import { objectDropped } from '../../shared/core/drops.ts'
import { handleChanges } from '../../shared/core/feed.ts'
import { runJob } from '../../shared/core/jobs.ts'
import { writeMedia } from '../../shared/core/media-store.ts'
import { fetchForPeer } from '../../shared/core/mend-object.ts'
import { startOperation } from '../../shared/core/operation-store.ts'
import { pauseReplication, resumeReplication } from '../../shared/core/pause.ts'
import { grantReads, listForPeer, readForPeer } from '../../shared/core/peer-service.ts'
import { statusForPeer } from '../../shared/core/peer-status.ts'
import { reconcile } from '../../shared/core/reconcile.ts'
import { listRecords, readRecord } from '../../shared/core/record-reads.ts'
import { writeRecord } from '../../shared/core/records.ts'
import { probeFeed } from '../../shared/core/replication-lag.ts'
import { answerSummaries } from '../../shared/core/summaries.ts'
import { sweep } from '../../shared/core/sweep.ts'
import { acceptUpload } from '../../shared/core/uploads.ts'
import { createWebhook } from '../../shared/core/webhooks.ts'
import { hashing } from '../../shared/domain/hashing.ts'
import { recordStateSchema } from '../../shared/http/peer-schemas.ts'

/** All of the code under test that acts for a site. The sites may run two versions of it: see older.ts. */
export const code = {
  acceptUpload,
  answerBuckets,
  answerSummaries,
  applyStates,
  createAsset,
  createWebhook,
  fetchForPeer,
  freezeBreaker,
  grantReads,
  handleChanges,
  hashing,
  listChanges,
  listForPeer,
  listRecords,
  objectDropped,
  pauseReplication,
  probeFeed,
  readForPeer,
  readRecord,
  reconcile,
  recordStateSchema,
  rejectBreaker,
  releaseBreaker,
  resumeReplication,
  runJob,
  scanDrops,
  startOperation,
  statusForPeer,
  sweep,
  writeMedia,
  writeRecord,
}

export type Code = typeof code
