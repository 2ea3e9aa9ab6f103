import { uploadKey, type UploadBody } from '../domain/asset.ts'
import { parseDropKey } from '../domain/names.ts'
import type { ListedObject } from '../ports/object-store.ts'
import { objectDropped } from './drops.ts'
import { readMark, writeMark } from './replication-marks.ts'
import type { Services } from './services.ts'

const pageItems = 1_000
const readKeysMax = 100
/** The event of a file this young is most likely still on its way. */
const youngMs = 15 * 60_000
/** Between two walks through the drop area: an empty one costs one list an hour. */
const restMs = 3_600_000

/**
 * Looks after dropped files that no event told of: walks through the drop area a page at a time, and adopts what is there
 * and was never settled. Returns how many it found. What was removed without an event, the scrub finds.
 */
export async function scanDrops(services: Services): Promise<number> {
  const mark = await readMark(services, 'drop-scan')
  const nowMs = services.clock.now()
  if (Number(mark?.['dueMs'] ?? 0) > nowMs) return 0
  const after = mark?.['after'] as string | undefined
  const page = await services.objects.list('drop/', { after, limit: pageItems })
  let found = 0
  for (const file of await untold(services, page.items, nowMs - youngMs)) if (await adopt(services, file)) found++
  await writeMark(services, 'drop-scan', page.next === undefined ? { dueMs: nowMs + restMs } : { after: page.next })
  return found
}

/** One that fails is left for the next walk: it must not hold up the rest. */
async function adopt(services: Services, { key, etag }: ListedObject): Promise<boolean> {
  try {
    await objectDropped(services, { key, change: 'created', etag })
    services.telemetry.log('warn', 'A dropped file was found that no event had told of', { key })
    return true
  } catch (error) {
    services.telemetry.log('error', 'A dropped file could not be looked after', { key }, error)
    return false
  }
}

/** The files whose bytes were not settled by an earlier event. Two spellings of a path are one asset: its last one counts. */
async function untold(services: Services, files: readonly ListedObject[], beforeMs: number): Promise<ListedObject[]> {
  const named = files.flatMap((file) => {
    const name = parseDropKey(file.key)
    return name.kind === 'drop' && file.modifiedMs < beforeMs ? [{ file, name }] : []
  })
  const found: ListedObject[] = []
  for (let start = 0; start < named.length; start += readKeysMax) {
    const chunk = named.slice(start, start + readKeysMax)
    const keys = chunk.map(({ name }) => uploadKey(name.tenant, name.assetId, services.site))
    const records = await services.records.getMany(keys)
    for (const [index, { file }] of chunk.entries()) {
      const settled = records[index]?.body as UploadBody | undefined
      const isKnown = settled && (settled.objectKey !== file.key || isSettled(settled, file))
      if (!isKnown) found.push(file)
    }
  }
  return found
}

const isSettled = ({ state, etag }: UploadBody, file: ListedObject): boolean =>
  state === 'complete' && etag === file.etag
