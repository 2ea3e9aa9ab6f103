import { stateOf } from '../../shared/core/record-history.ts'
import { conflictsCollection } from '../../shared/core/conflict-record.ts'
import { jsonEqual } from '../../shared/domain/json.ts'
import { keyText, type StoredRecord } from '../../shared/domain/record.ts'
import { sha256Hex } from '../../shared/domain/hash.ts'
import { sites } from '../../shared/domain/site.ts'
import { stampSite } from '../../shared/domain/stamp.ts'
import type { World } from './world.ts'

/** What is not as it must be once the storm is over and the sites had their time, by the numbers of the design page. */
export function brokenInvariants(world: World): string[] {
  return [
    ...world.ledger.violations,
    ...notConverged(world),
    ...lostAcknowledgements(world),
    ...resurrections(world),
    ...tooManyMessages(world),
    ...wrongBytes(world),
    ...orphans(world),
  ]
}

export const hasConverged = (world: World): boolean =>
  notConverged(world).length === 0 && wrongBytes(world).length === 0 && orphans(world).length === 0

/** 1. Both sites hold equal records, tombstones and conflicts. */
function notConverged({ sites: { aws, azure } }: World): string[] {
  const there = new Map(azure.records.all().map((record) => [keyText(record.key), record]))
  const broken = aws.records.all().flatMap((record) => {
    const other = there.get(keyText(record.key))
    there.delete(keyText(record.key))
    return other && jsonEqual(plain(record), plain(other))
      ? []
      : [`1: ${keyText(record.key)} differs between the sites`]
  })
  return [...broken, ...[...there.keys()].map((key) => `1: ${key} is at azure alone`)]
}

const plain = (record: StoredRecord) => JSON.parse(JSON.stringify(stateOf(record))) as never

/** 2 and 4. Every acknowledged write is the head, or was seen by a later write, or is kept as a conflict. */
function lostAcknowledgements({ ledger, sites: { azure } }: World): string[] {
  const records = azure.records.all()
  const heads = new Map(records.map((record) => [keyText(record.key), record]))
  const conflicts = records.filter((record) => record.key.collection === conflictsCollection && !record.deleted)
  return ledger.acknowledged.flatMap(({ key, stamp }) => {
    const own = ledger.writes.get(stamp)
    if (!own) return [`2: ${keyText(key)} ${stamp} was acknowledged and stored nowhere`]
    const head = heads.get(keyText(key))
    // The same request may have been stored at both sites; whichever of the two is kept, nothing of it is lost.
    const isSame = (body: unknown, deleted: unknown): boolean =>
      deleted === own.deleted && jsonEqual(body as never, own.body)
    const isHead = head !== undefined && isSame(head.body, head.deleted)
    const isKept = conflicts.some(
      ({ body }) =>
        body?.['recordId'] === key.id && body['collection'] === key.collection && isSame(body['body'], body['deleted']),
    )
    const isSeen = [...ledger.writes.values()].some(
      (later) =>
        keyText(later.key) === keyText(key) && later.stamp !== stamp && (later.vector[stampSite(stamp)] ?? '') >= stamp,
    )
    return isHead || isKept || isSeen ? [] : [`2: ${keyText(key)} ${stamp} was acknowledged and lost`]
  })
}

/** 3. No delete that had seen the head's write is undone. */
function resurrections({ ledger, sites: { azure } }: World): string[] {
  const deletes = ledger.acknowledged
    .flatMap(({ stamp }) => ledger.writes.get(stamp) ?? [])
    .filter(({ deleted }) => deleted)
  return azure.records
    .all()
    .flatMap((head) =>
      !head.deleted &&
      deletes.some(
        (gone) => keyText(gone.key) === keyText(head.key) && (gone.vector[stampSite(head.stamp)] ?? '') >= head.stamp,
      )
        ? [`3: ${keyText(head.key)} came back after its delete`]
        : [],
    )
}

/** 7. At most two messages a write when nothing fails. */
function tooManyMessages({ profile, ledger, link }: World): string[] {
  if (profile.name !== 'calm') return []
  const offered = link.offered.aws + link.offered.azure
  return offered <= 2 * ledger.writes.size ? [] : [`7: ${offered} states were offered for ${ledger.writes.size} writes`]
}

/** 8. What either site holds under a key are the bytes that were published. */
function wrongBytes({ ledger, sites: all }: World): string[] {
  return sites.flatMap((site) => {
    const held = new Map(all[site].objects.all().map(({ info, bytes }) => [info.key, bytes]))
    return [...ledger.objects].flatMap(([key, sha256]) => {
      const bytes = held.get(key)
      if (!bytes) return [`8: ${key} is not at ${site}`]
      return sha256Hex(bytes) === sha256 ? [] : [`8: ${key} has other bytes at ${site}`]
    })
  })
}

/** 9. Nothing is marked as missing any more. */
const orphans = ({ sites: all }: World): string[] =>
  sites.flatMap((site) =>
    all[site].siteStore
      .all()
      .filter(({ partition }) => partition.startsWith('missing/') || partition === 'quarantine')
      .map(({ partition, id }) => `9: ${site} still has ${partition} ${id}`),
  )
