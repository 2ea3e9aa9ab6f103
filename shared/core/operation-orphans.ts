import type { RecordKey, StoredRecord } from '../domain/record.ts'
import type { ObjectInfo } from '../ports/object-store.ts'
import { chunksOf } from './chunks.ts'
import { namingKeys, objectsNamedBy } from './object-names.ts'
import { onlyCounts } from './operation-records.ts'
import { paced, type Outcome, type Step } from './operation-step.ts'
import type { Services } from './services.ts'
import { sharedFrom } from './sharers.ts'

const pageItems = 100
const recordsAtOnceMax = 100
/** Bytes come before the record that names them; a day later nobody is on the way to name them. */
const youngMs = 24 * 3_600_000

/**
 * Looks at this site's store for objects that no record has ever named. They are only reported: nothing here
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
  const naming = await recordsNaming(services, page.items)
  const shared = new Map<string, ReadonlyMap<string, string>>()
  for (const { key, modifiedMs, bytes } of page.items) {
    const records = naming.get(assetOf(key)) ?? []
    if (records.some((record) => objectsNamedBy(record).some((object) => object.key === key))) continue
    if (modifiedMs > services.clock.now() - youngMs) continue
    const place = assetOf(key)
    const sharers = shared.get(place) ?? (await sharedFrom(services, ...partsOf(place)))
    shared.set(place, sharers)
    if (sharers.has(key)) continue
    if (records.length > 0) tally.count('objectsOfOlderVersions')
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

/** The records, deleted ones included, that may name these objects, by asset. */
async function recordsNaming(
  services: Services,
  objects: readonly Pick<ObjectInfo, 'key'>[],
): Promise<Map<string, StoredRecord[]>> {
  const wanted = [...new Set(objects.map(({ key }) => assetOf(key)))].flatMap((place) =>
    keysOf(place).map((key) => ({ place, key })),
  )
  const found = new Map<string, StoredRecord[]>()
  for (const chunk of chunksOf(wanted, recordsAtOnceMax)) {
    const records = await services.records.getMany(chunk.map(({ key }) => key))
    for (const [index, record] of records.entries()) {
      const place = chunk[index]?.place
      if (record && place !== undefined) found.set(place, [...(found.get(place) ?? []), record])
    }
  }
  return found
}

/** `<tenant>/<asset>` of `objects/<tenant>/<asset>/<digest>`. */
const assetOf = (objectKey: string): string => objectKey.split('/').slice(1, 3).join('/')

const keysOf = (place: string): readonly RecordKey[] => namingKeys(...partsOf(place))

function partsOf(place: string): [tenant: string, asset: string] {
  const [tenant = '', asset = ''] = place.split('/')
  return [tenant || 'none', asset || 'none']
}
