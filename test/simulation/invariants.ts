import { conflictsCollection } from '../../shared/core/conflict-record.ts'
import { stateOf } from '../../shared/core/record-history.ts'
import { sha256Hex } from '../../shared/domain/hash.ts'
import { canonicalJson, type JsonObject } from '../../shared/domain/json.ts'
import { keyText, type StoredRecord } from '../../shared/domain/record.ts'
import { sites, type Site } from '../../shared/domain/site.ts'
import type { SiteItem } from '../../shared/ports/site-store.ts'
import { broughtFaults } from './brought.ts'
import { isKept } from './content.ts'
import { hasSeen } from './ledger.ts'
import type { Reader } from './reader.ts'
import { unlistedSharers } from './shared.ts'
import { toldTwice, untold } from './subscriber.ts'
import { slowRecovery } from './traffic.ts'
import { treeFaults } from './tree.ts'
import { unnamedObjects } from './unnamed.ts'
import type { World } from './world.ts'

/** What is not as it must be once the storm is over and the sites had their time, by the numbers of the design page. */
export function brokenInvariants(world: World, reader: Reader): string[] {
  return [
    ...world.ledger.violations,
    ...unsettled(world, reader),
    ...lostAcknowledgements(world),
    ...doubledConflicts(world),
    ...resurrections(world),
    ...tooManyMessages(world),
    ...deadLetters(world),
    ...slowRecovery(world),
    ...toldTwice(world),
  ]
}

export const hasSettled = (world: World, reader: Reader): boolean => unsettled(world, reader).next().done === true

/** What still has to come right, what is found cheaply first. */
function* unsettled(world: World, reader: Reader): Generator<string> {
  for (const site of sites) if (!world.sites[site].isOpen) yield `18: ${site} never opened again`
  yield* notConverged(world)
  yield* orphans(world)
  for (const id of reader.behind()) yield `1: the last change of ${id} never came up in the list of changes`
  for (const site of sites) yield* treeFaults(world.sites[site])
  yield* wrongBytes(world)
  yield* broughtFaults(world)
  yield* unnamedObjects(world)
  yield* unlistedSharers(world)
  yield* untold(world)
}

/** 1. Both sites hold equal records, tombstones and conflicts. A token is the text of a vector, and quicker to compare. */
export function* notConverged({ sites: { aws, azure } }: World): Generator<string> {
  for (const [id, record] of aws.latest) {
    const other = azure.latest.get(id)
    if (!other || record.token !== other.token || stateText(record) !== stateText(other))
      yield `1: ${id} differs between the sites`
  }
  for (const id of azure.latest.keys()) if (!aws.latest.has(id)) yield `1: ${id} is at azure alone`
}

const stateTexts = new WeakMap<StoredRecord, string>()

/** What stores hand out never changes, so its text is made once. */
function stateText(record: StoredRecord): string {
  const known = stateTexts.get(record)
  if (known !== undefined) return known
  const text = canonicalJson(JSON.parse(JSON.stringify(stateOf(record))) as JsonObject)
  stateTexts.set(record, text)
  return text
}

/** 2 and 4. What every acknowledged write said is the head, or was overwritten by somebody who knew it, or is kept as a conflict. */
function lostAcknowledgements(world: World): string[] {
  return world.ledger.acknowledged.flatMap(({ key, stamp }) => {
    const own = world.ledger.writes.get(stamp)?.state
    if (!own) return [`2: ${keyText(key)} ${stamp} was acknowledged and stored nowhere`]
    return isKept(world, ['azure'], own) ? [] : [`2: ${keyText(key)} ${stamp} was acknowledged and lost`]
  })
}

/** 4. The counts balance: a write that lost is listed once. */
function doubledConflicts({ sites: { azure } }: World): string[] {
  const conflicts = [...azure.latest.values()].filter(({ key }) => key.collection === conflictsCollection)
  const byLoser = Map.groupBy(
    conflicts,
    ({ body }) => `${JSON.stringify([body?.['recordId'], body?.['stamp'], body?.['fields']])}`,
  )
  return [...byLoser].flatMap(([loser, kept]) =>
    kept.length > 1 ? [`4: ${loser} is listed ${kept.length} times`] : [],
  )
}

/** 3. No delete that had seen the head's write is undone. */
function resurrections({ ledger, sites: { azure } }: World): string[] {
  const deletes = ledger.acknowledged
    .flatMap(({ stamp }) => ledger.writes.get(stamp)?.state ?? [])
    .filter(({ deleted }) => deleted)
  return [...azure.latest].flatMap(([id, head]) =>
    !head.deleted && deletes.some((gone) => keyText(gone.key) === id && hasSeen(gone.vector, head.stamp))
      ? [`3: ${id} came back after its delete`]
      : [],
  )
}

/** 7. At most two messages a write when nothing fails. */
function tooManyMessages({ profile, ledger, link }: World): string[] {
  if (!profile.isCalm) return []
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

/** 9. Nothing is marked as missing any more but what burnt and an operator was told of, and nothing waits for its time. */
const orphans = (world: World): string[] =>
  sites.flatMap((site) =>
    world.sites[site].siteStore
      .all()
      .filter(({ partition, id }) => partition === 'quarantine' || (isMissing(partition) && !isLost(world, site, id)))
      .map(({ partition, id }) => `9: ${site} still has ${partition} ${id}`),
  )

const isMissing = (partition: string): boolean => partition.startsWith('missing/')

/** Bytes that burnt come back from a backup or never, so their mark stays; a dead letter says so. */
function isLost({ ledger, sites: all }: World, site: Site, object: string): boolean {
  const isHeld = sites.some((where) => all[where].objects.all().some(({ info }) => info.key === object))
  return !isHeld && ledger.burntObjects.has(object) && all[site].siteStore.all().some(isLetterOf(object))
}

const isLetterOf =
  (object: string) =>
  ({ partition, value }: SiteItem): boolean => {
    const work = value['payload'] as { readonly payload?: { readonly key?: string } } | undefined
    return partition === 'dead-letters' && value['kind'] === 'job' && work?.payload?.key === object
  }

/** 6. Nothing that a site did wrong is needed to bring on these faults, so no change may end as a dead letter. */
const deadLetters = ({ sites: all }: World): string[] =>
  sites.flatMap((site) =>
    all[site].siteStore
      .all()
      .filter(({ partition, value }) => partition === 'dead-letters' && value['kind'] !== 'job')
      .map(({ value }) => `6: ${site} filed a dead letter: ${JSON.stringify(value['cause'])}`),
  )
