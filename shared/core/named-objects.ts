import { digestOfKey } from '../domain/asset.ts'
import { peerOf, type Site } from '../domain/site.ts'
import { stampMs } from '../domain/stamp.ts'
import type { ObjectInfo } from '../ports/object-store.ts'
import type { ObjectTarget, ReadGrant } from '../ports/peer.ts'
import type { BucketContent } from './bucket-reading.ts'
import { forEachOf } from './each.ts'
import { chunksOf } from './chunks.ts'
import { namesObjects, objectsNamedBy } from './object-names.ts'
import type { Finding } from './operation.ts'
import type { Services } from './services.ts'
import { namedOnce } from './shared-objects.ts'

/** An object as a record names it. */
export interface NamedObject extends ObjectTarget {
  readonly bytes: number
  /** When the record took its present state. */
  readonly writtenMs: number
}

const headsAtOnceMax = 16
const targetsMax = 100

/**
 * What the records among these entries name, in order of key. What several assets share is named once: by the asset that it
 * was made for, or, when that one's record is about other bytes by now, by the first of those that share it.
 */
export async function namedObjects(services: Services, contents: readonly BucketContent[]): Promise<NamedObject[]> {
  const keys = contents.flatMap(({ entries }) =>
    entries.filter(({ key, deleted }) => namesObjects(key.collection) && !deleted).map(({ key }) => key),
  )
  const named: NamedObject[] = []
  for (const chunk of chunksOf(keys)) {
    for (const record of await services.records.getMany(chunk)) {
      if (!record) continue
      for (const object of objectsNamedBy(record)) named.push({ ...object, writtenMs: stampMs(record.stamp) })
    }
  }
  const once = new Map((await namedOnce(services, named)).map((object) => [object.key, object]))
  return [...once.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
}

/** An object as both stores describe it. */
export interface ObjectLook {
  readonly object: NamedObject
  readonly here: ObjectInfo | undefined
  readonly there: ReadGrant | undefined
}

export const bytesOfAll = (objects: readonly NamedObject[]): number =>
  objects.reduce((sum, { bytes }) => sum + bytes, 0)

const largeBytesMin = 64 * 2 ** 20
export const isLarge = ({ bytes }: NamedObject): boolean => bytes >= largeBytesMin

/** Up to 100 objects of together up to 64 MiB; a large one is a batch by itself. */
export function* batchesOfObjects(objects: readonly NamedObject[]): Generator<readonly NamedObject[]> {
  let batch: NamedObject[] = []
  for (const object of objects) {
    if (batch.length >= targetsMax || (batch.length > 0 && bytesOfAll(batch) + object.bytes > largeBytesMin)) {
      yield batch
      batch = []
    }
    batch.push(object)
  }
  if (batch.length > 0) yield batch
}

/** Asks both stores about up to 100 objects, without reading them. */
export async function lookAtObjects(services: Services, objects: readonly NamedObject[]): Promise<ObjectLook[]> {
  const here = new Map<string, ObjectInfo | undefined>()
  await forEachOf(objects, headsAtOnceMax, async ({ key }) => here.set(key, await services.objects.head(key)))
  const there = objects.length > 0 ? await services.peer.grantRead(objects.map(({ key }) => key)) : []
  return objects.map((object, index) => ({ object, here: here.get(object.key), there: there[index] }))
}

/** What is wrong with an object, and which side has to look at it. */
export interface ObjectFault {
  readonly finding: Finding
  readonly mendHere: boolean
  readonly mendThere: boolean
}

export function faultOf(site: Site, { object: { key }, here, there }: ObjectLook): ObjectFault | undefined {
  const peer = peerOf(site)
  const fault = (kind: Finding['kind'], detail: string, mendHere: boolean, mendThere: boolean): ObjectFault => ({
    finding: { kind, what: key, detail },
    mendHere,
    mendThere,
  })
  if (!here && !there) {
    const detail = 'A record names it, but neither site holds it: its bytes are lost, unless a backup has them.'
    return fault('object-lost', detail, false, false)
  }
  if (!here) return fault('object-missing', `It is at ${peer}, but not at ${site}.`, true, false)
  if (!there) return fault('object-missing', `It is at ${site}, but not at ${peer}.`, false, true)
  const [oursWrong, theirsWrong] = [isMisnamed(key, here), isMisnamed(key, there)]
  if (oursWrong || theirsWrong) {
    const where = oursWrong && theirsWrong ? 'both sites' : oursWrong ? site : peer
    const detail = `The SHA-256 that ${where} recorded with it is not the one in its name.`
    return fault('object-differs', detail, oursWrong, theirsWrong)
  }
  if (here.bytes !== there.bytes) {
    const detail = `It has ${here.bytes} bytes at ${site}, but ${there.bytes} at ${peer}.`
    return fault('object-differs', detail, true, true)
  }
  const [ourCrc, theirCrc] = [here.metadata['crc64nvme'], there.metadata['crc64nvme']]
  if (ourCrc !== theirCrc) {
    const detail = `The CRC-64 recorded with it is ${ourCrc ?? 'absent'} at ${site}, but ${theirCrc ?? 'absent'} at ${peer}.`
    return fault('object-differs', detail, true, true)
  }
  return undefined
}

const isMisnamed = (key: string, { metadata }: Pick<ObjectInfo, 'metadata'>): boolean =>
  metadata['sha256'] !== digestOfKey(key)
