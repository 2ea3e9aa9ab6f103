import { mediaKey, objectKeysOf, type MediaBody } from '../domain/asset.ts'
import { onlyCounts } from './operation-records.ts'
import { paced, type Outcome, type Step } from './operation-step.ts'

const pageItems = 100
/** Bytes come before the record that names them; a day later nobody is on the way to name them. */
const youngMs = 24 * 3_600_000

/**
 * Looks at this site's store for objects of which no media record was ever written. They are only reported: nothing here
 * removes. What a deleted or newer record no longer names is kept for the versions that can be restored.
 */
export async function orphansPhase(step: Step): Promise<Outcome> {
  const { services, operation, tally } = step
  if (onlyCounts(operation)) return 'ended'
  const { after } = operation.position
  const page = await paced(
    step,
    () => ({ records: pageItems }),
    () => services.objects.list('objects/', { after, limit: pageItems }),
  )
  const media = await services.records.getMany(page.items.map(({ key }) => mediaKeyOf(key)))
  for (const [index, { key, modifiedMs, bytes }] of page.items.entries()) {
    const record = media[index]
    if (record?.body && objectKeysOf(record.body as MediaBody).includes(key)) continue
    if (modifiedMs > services.clock.now() - youngMs) continue
    if (record) tally.count('objectsOfOlderVersions')
    else
      tally.found({
        kind: 'object-orphan',
        what: key,
        detail: `${bytes} bytes at ${services.site} that no record names.`,
      })
  }
  if (page.next === undefined) return 'ended'
  const at = operation.position.at + page.items.length
  const expected = Math.max(at + 1, operation.counters.objects ?? 0)
  return { position: { at, after: page.next }, fraction: at / expected }
}

/** `objects/<tenant>/<asset>/<digest>` */
function mediaKeyOf(objectKey: string): ReturnType<typeof mediaKey> {
  const [, tenant = '', asset = ''] = objectKey.split('/')
  return mediaKey(tenant || 'none', asset || 'none')
}
