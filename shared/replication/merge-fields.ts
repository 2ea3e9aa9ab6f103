import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts'
import { namesOf, own, pointerTo } from '../domain/json-pointer.ts'
import type { FieldFacts, RecordState } from '../domain/record.ts'
import type { Stamp } from '../domain/stamp.ts'
import { bodyUnder, editsOf, type FieldEdits, uncovered } from './field-edits.ts'
import { joinVectors, later } from './vector.ts'

/** The edits of one side as a tree of places. */
interface Edited {
  stamp?: Stamp
  readonly below: Map<string, Edited>
}

/** One side of one place: its value, undefined when there is none, and the newest edit of it or of what it lies in. */
interface Side {
  readonly value: Json | undefined
  readonly edited: Edited | undefined
  readonly stamp: Stamp | undefined
}

interface Merged {
  readonly value: Json | undefined
  readonly edits: readonly (readonly [string, Stamp])[]
}

/**
 * The bodies of two concurrent states as one: each place as the later edit left it. What neither lists as edited, both hold
 * alike; what one alone lists, the other has seen. `winner` is the state with the later stamp; it is the one that decides
 * whether the record lives, so a body may come to lie under a tombstone.
 */
export function mergeFields(
  winner: RecordState,
  loser: RecordState,
): { readonly body: JsonObject; readonly fields: FieldFacts } {
  const [a, b] = [sideOf(winner), sideOf(loser)]
  const merged = mergePlace(a, b, { place: '', around: undefined })
  const seen = joinVectors(winner.fields?.seen ?? {}, loser.fields?.seen ?? {})
  const edits = uncovered(Object.fromEntries(merged.edits), seen)
  const body = isJsonObject(merged.value) ? merged.value : {}
  return { body, fields: { seen, edits, ...(winner.deleted ? { buried: body } : {}) } }
}

function sideOf(state: RecordState): Side {
  return { value: bodyUnder(state), edited: treeOf(editsOf(state)), stamp: undefined }
}

function treeOf(edits: FieldEdits): Edited {
  const root: Edited = { below: new Map() }
  for (const [place, stamp] of Object.entries(edits)) {
    let node = root
    for (const name of namesOf(place)) {
      const next = node.below.get(name) ?? { below: new Map<string, Edited>() }
      node.below.set(name, next)
      node = next
    }
    node.stamp = stamp
  }
  return root
}

/** `around` is the stamp that the merged place around this one has. */
function mergePlace(
  winner: Side,
  loser: Side,
  { place, around }: { readonly place: string; readonly around: Stamp | undefined },
): Merged {
  const [a, b] = [withOwnStamp(winner), withOwnStamp(loser)]
  const stamp = later(a.stamp, b.stamp)
  const { value } = (a.stamp ?? '') >= (b.stamp ?? '') ? a : b
  const here = stamp !== undefined && stamp !== around ? [[place, stamp] as const] : []
  if (!hasInside(a) && !hasInside(b)) return { value, edits: here }
  const inside = namesIn(a, b).map((name) => {
    const at = pointerTo(place, name)
    return [name, mergePlace(memberOf(a, name), memberOf(b, name), { place: at, around: stamp })] as const
  })
  const edits = inside.flatMap(([, merged]) => merged.edits)
  // An edit inside tells that there was an object to edit when it was made.
  if (!isJsonObject(value) && edits.length === 0) return { value, edits: here }
  const members = inside.flatMap(([name, merged]) =>
    merged.value === undefined ? [] : [[name, merged.value] as const],
  )
  return { value: Object.fromEntries(members), edits: [...here, ...edits] }
}

const withOwnStamp = (side: Side): Side => ({ ...side, stamp: later(side.stamp, side.edited?.stamp) })

const hasInside = ({ edited }: Side): boolean => edited !== undefined && edited.below.size > 0

const namesIn = (...sides: readonly Side[]): string[] => [
  ...new Set(
    sides.flatMap(({ value, edited }) => [
      ...(isJsonObject(value) ? Object.keys(value) : []),
      ...(edited?.below.keys() ?? []),
    ]),
  ),
]

const memberOf = ({ value, edited, stamp }: Side, name: string): Side => ({
  value: isJsonObject(value) ? own(value, name) : undefined,
  edited: edited?.below.get(name),
  stamp,
})
