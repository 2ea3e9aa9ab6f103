import type { UploadBody } from '../domain/asset.ts'
import { bucketCount, type StoredRecord } from '../domain/record.ts'
import type { BucketEntry } from '../ports/record-store.ts'
import { tallyBucket } from './breaker-sizes.ts'
import { conflictsCollection } from './conflict-record.ts'
import { digestBuckets } from './digest-tree.ts'
import { objectDropped } from './drops.ts'
import { chunksOf } from './chunks.ts'
import { beginEffects, followChanges } from './feed.ts'
import { isOfThisLife } from './own-life.ts'
import { readMark, writeMark } from './replication-marks.ts'
import { cycleAt } from './scrub-cycle.ts'
import type { Services } from './services.ts'

/** A full scrub takes this many runs: at one a minute, 17 hours and 4 minutes, inside the feed's 24 hours. */
const scrubRuns = 1024
export const scrubBuckets = bucketCount / scrubRuns

/** The collections whose records have effects at this site beyond being offered: see `onRecordChanged`. */
const withEffects = new Set([
  '_media',
  '_variants',
  '_jobs',
  '_uploads',
  '_exports',
  '_export-settings',
  conflictsCollection,
])

/**
 * Re-reads the next share of all buckets, whatever the feed said about them. What it finds changed, the feed may never have
 * told of. In the others an event may have been lost too, when another's mark had the bucket read again: so what follows
 * from the records that something follows from is begun once a cycle in any case. Returns how many buckets had changed.
 */
export async function scrub(services: Services): Promise<number> {
  const mark = await readMark(services, 'scrub')
  const next = Number(mark?.['next'] ?? 0)
  // A share lies inside one page of the tree, whatever left the mark.
  const first = (next - (next % scrubBuckets)) % bucketCount
  const last = first + scrubBuckets - 1
  const cycle = cycleAt(mark, first, services.clock.now())
  const buckets = Array.from({ length: scrubBuckets }, (_, offset) => first + offset)
  const held = new Map<number, readonly BucketEntry[]>()
  const changed = new Set(await digestBuckets(services, buckets, (bucket, entries) => held.set(bucket, entries)))
  await tallyBucket(services, first, held.get(first) ?? [])
  for (const [bucket, entries] of held) {
    const wanted = entries.filter(
      ({ key, deleted }) => changed.has(bucket) || (!deleted && withEffects.has(key.collection)),
    )
    for (const keys of chunksOf(wanted.map(({ key }) => key))) {
      const records = (await services.records.getMany(keys)).filter((record) => record !== undefined)
      if (changed.has(bucket)) await followChanges(services, records)
      else for (const record of records) await beginEffects(services, record)
      for (const record of records) await checkDrop(services, record)
    }
  }
  await writeMark(services, 'scrub', { ...cycle, next: (last + 1) % bucketCount })
  return changed.size
}

/** A dropped file may have been removed without an event. */
async function checkDrop(services: Services, record: StoredRecord): Promise<void> {
  const body = record.key.collection === '_uploads' ? record.body : null
  const { kind, site, state, objectKey } = body ?? ({} as Partial<UploadBody>)
  if (kind !== 'drop' || site !== services.site || state !== 'complete' || typeof objectKey !== 'string') return
  // A site that lost its store would trash all that was ever dropped there.
  if (!isOfThisLife(services, record)) return
  try {
    if (await services.objects.head(objectKey)) return
    services.telemetry.log('warn', 'A dropped file is gone, and no event had told of it', { key: objectKey })
    await objectDropped(services, { key: objectKey, change: 'removed' })
  } catch (error) {
    // The next cycle comes here again; the rest of this one must not wait for it.
    services.telemetry.log('error', 'A dropped file could not be looked after', { key: objectKey }, error)
  }
}
