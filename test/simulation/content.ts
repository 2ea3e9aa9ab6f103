import { conflictKey } from '../../shared/core/conflict-record.ts'
import { jsonEqual } from '../../shared/domain/json.ts'
import type { RecordState } from '../../shared/domain/record.ts'
import type { Site } from '../../shared/domain/site.ts'
import { compareVectors } from '../../shared/replication/vector.ts'
import { areFieldsKept, formsCollection } from './fields-kept.ts'
import type { Ledger } from './ledger.ts'
import type { World } from './world.ts'

type Saying = Pick<RecordState, 'deleted' | 'body'>

/** Vectors tell what was seen; this tells where what a write said is still to be found. Two that said the same stand for each other. */
const saysTheSame = (a: Saying, b: Saying): boolean => a.deleted === b.deleted && jsonEqual(a.body, b.body)

/** Whether nothing of a write is lost at any of these sites: it is there, or somebody who knew it wrote something else. */
export const isKept = (world: World, where: readonly Site[], state: RecordState): boolean =>
  state.key.collection === formsCollection ? areFieldsKept(world, where, state) : isKeptWhole(world, where, state)

const isKeptWhole = (world: World, where: readonly Site[], state: RecordState): boolean =>
  where.some((site) => isNamed(world, site, state)) ||
  isOverwritten(world.ledger, state) ||
  where.some((site) => isListed(world, site, state))

function isNamed({ sites }: World, site: Site, state: RecordState): boolean {
  const head = sites[site].latestOf(state.key)
  if (head && saysTheSame(head, state)) return true
  return sites[site].latestOf(conflictKey(state.key, state.stamp)) !== undefined
}

/** The same request may have been stored at both sites: whichever of the two is listed, nothing of it is lost. */
const isListed = ({ sites }: World, site: Site, state: RecordState): boolean =>
  sites[site].latest.conflictsAbout(state.key).some(({ body }) => saysTheSame(body as unknown as Saying, state))

/** Whether a client put something else in the place of that very state, or of one that said the same later or unseen. */
function isOverwritten({ writes }: Ledger, state: RecordState): boolean {
  const ofRecord = [...writes.ofRecord(state.key).values()]
  const isAlike = (other: RecordState): boolean =>
    other.stamp === state.stamp ||
    (saysTheSame(other, state) && compareVectors(other.vector, state.vector) !== 'before')
  const alike = new Set(ofRecord.flatMap((write) => (isAlike(write.state) ? [write.state.stamp] : [])))
  return ofRecord.some(
    ({ before }) => before !== undefined && (before.stamp === state.stamp || alike.has(before.stamp)),
  )
}
