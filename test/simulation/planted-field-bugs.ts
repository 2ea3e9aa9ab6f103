import type { PlantedBug } from './planted-bugs.ts'

const merge = 'shared/replication/merge.ts'
const fields = 'shared/replication/merge-fields.ts'

const forms = { forms: true, isCalm: false, records: 2, clients: 4, opsPerClient: 30, thinkMsMax: 2_000 }

/** Mistakes in what becomes of a record that merges by field. */
export const fieldBugs: readonly PlantedBug[] = [
  {
    name: 'a field that lost is dropped',
    file: merge,
    find: "return { kind: 'conflict', winner: merged, ...inParts(lost) }",
    replace: "return { kind: 'conflict', winner: merged }",
    override: forms,
  },
  {
    name: 'a field that was overruled on the way is dropped',
    file: merge,
    find: 'if (newer.fields) return inParts(lostOnTheWay(older, newer))',
    replace: 'if (newer.fields) return {}',
    override: forms,
  },
  {
    name: 'the later state wins every field',
    file: fields,
    find: "(a.stamp ?? '') >= (b.stamp ?? '') ? a : b",
    replace: "(a.stamp ?? '') >= '' ? a : b",
    override: forms,
  },
  {
    name: 'what is stored wins where only one side lists an edit',
    file: fields,
    find: 'later(side.stamp, side.edited?.stamp)',
    replace: 'side.stamp',
    override: forms,
  },
  {
    name: 'a write forgets which fields were edited before it',
    file: 'shared/replication/field-edits.ts',
    find: 'const edits = current ? uncovered(editsOf(current), seen) : {}',
    replace: 'const edits: FieldEdits = {}',
    override: forms,
  },
  {
    name: 'a merge counts as a write that knew both sides',
    file: fields,
    find: 'const seen = joinVectors(winner.fields?.seen ?? {}, loser.fields?.seen ?? {})',
    replace: 'const seen = joinVectors(winner.vector, loser.vector)',
    override: forms,
  },
]
