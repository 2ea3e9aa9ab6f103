import type { PlantedBug } from './planted-bugs.ts'

const merge = 'shared/replication/merge.ts'
const apply = 'shared/core/apply.ts'
const applyFresh = 'shared/core/apply-fresh.ts'
const conflict = 'shared/core/conflict-record.ts'

/** Mistakes in what becomes of a state that the peer offers. */
export const mergeBugs: readonly PlantedBug[] = [
  {
    name: 'drop the loser',
    file: apply,
    find: 'for (const loser of losersIn(merge)) await keepLoser(services, breaker, loser)',
    replace: '',
  },
  {
    name: 'keep the loser after the winner took its place, and only if nothing fails',
    file: apply,
    find: "if (outcome.kind === 'failed') {\n    throw",
    replace: 'if (false) {\n    throw',
  },
  {
    name: 'a state that lost at the peer is thrown away',
    file: merge,
    find: ', ...overruledBy(offered, stored) }',
    replace: ' }',
  },
  {
    name: 'a state that lost before it came is thrown away',
    file: merge,
    find: ', ...overruledBy(stored, offered) }',
    replace: ' }',
  },
  {
    name: 'a write forgets what was overruled before it',
    file: 'shared/core/records.ts',
    find: '    ...(current ? stillOverruled(current, origin) : {}),\n',
    replace: '',
  },
  {
    name: 'what was overruled is forgotten with the next merge',
    file: merge,
    find: 'state.stamp === stamp ? printOf(state) : state.overruled?.[origin])',
    replace: 'state.stamp === stamp ? printOf(state) : undefined)',
    override: { isCalm: false, records: 1, clients: 6, thinkMsMax: 200, rebuild: 'none', longOutage: false },
  },
  {
    name: 'compare stamps instead of vectors',
    file: merge,
    find: 'switch (compareVectors(offered.vector, stored.vector)) {',
    replace:
      "switch (offered.stamp === stored.stamp ? 'equal' : offered.stamp < stored.stamp ? 'before' : ('after' as ReturnType<typeof compareVectors>)) {",
  },
  {
    name: 'the vector is not joined',
    file: merge,
    find: 'const vector = joinVectors(a.vector, b.vector)',
    replace: 'const { vector } = winner',
  },
  {
    name: 'the keys already honoured are not joined',
    file: merge,
    find: '    ...joinApplied(winner, loser),\n',
    replace: '',
    override: { lostAnswer: 12, isCalm: false, records: 2 },
  },
  {
    name: 'only the last key honoured is remembered',
    file: merge,
    find: '.slice(-appliedKeysMax)',
    replace: '.slice(-1)',
  },
  {
    name: 'what is stored always wins',
    file: merge,
    find: 'a.stamp > b.stamp ? [a, b] : [b, a]',
    replace: '[a, b]',
  },
  {
    name: 'the earlier stamp wins',
    file: merge,
    find: 'a.stamp > b.stamp ?',
    replace: 'a.stamp < b.stamp ?',
  },
  {
    name: 'a lost delete is no loss',
    file: merge,
    find: 'return isAlike(winner, loser)',
    replace: 'return loser.deleted || isAlike(winner, loser)',
  },
  {
    name: 'collect tombstones: a deleted record counts as absent',
    file: merge,
    find: "if (!stored) return { kind: 'replace', state: offered }",
    replace: "if (!stored || stored.deleted) return { kind: 'replace', state: offered }",
  },
  {
    name: 'apply without compare-and-swap',
    file: apply,
    find: 'const condition = stored ?',
    replace: 'stored = await services.records.get(state.key)\n  const condition = stored ?',
  },
  {
    name: 'acknowledge before storing',
    file: apply,
    find: "return (await replace(services, stored, merge.state, 'peer')) ? { kind: 'applied' } : undefined",
    replace: "replace(services, stored, merge.state, 'peer').catch(() => false)\n      return { kind: 'applied' }",
  },
  {
    name: 'a lost race counts as applied',
    file: apply,
    find: "(await replace(services, stored, merge.state, 'peer')) ? { kind: 'applied' } : undefined",
    replace: "(await replace(services, stored, merge.state, 'peer')) ? { kind: 'applied' } : { kind: 'applied' }",
  },
  {
    name: 'a lost race in a batch counts as applied',
    file: applyFresh,
    find: "if (put?.kind === 'stored')",
    replace: "if (put?.kind !== 'refused')",
    override: { isCalm: false, rush: 2, thinkMsMax: 200, opsPerClient: 30, rebuild: 'none', longOutage: false },
  },
  {
    name: 'a batch takes in what another state was stored before',
    file: applyFresh,
    find: "merge.kind === 'known' && losersIn(merge).length === 0",
    replace: "merge.kind !== 'replace'",
  },
  {
    name: 'no history of what the peer overwrites',
    file: apply,
    find: 'if (stored) await keepInHistory(services, stored)',
    replace: '',
  },
  {
    name: 'no quarantine',
    file: 'shared/core/quarantine.ts',
    find: 'stampMs(state.stamp) > services.clock.now() + stampAheadMsMax',
    replace: 'false',
  },
  {
    name: 'what is quarantined is dropped',
    file: 'shared/core/quarantine.ts',
    find: 'await services.siteStore.put(\n    { partition: quarantinePartition,',
    replace: 'await services.siteStore.put(\n    { partition: `${quarantinePartition}-dropped`,',
  },
  {
    name: 'the quarantine is never released',
    file: 'shared/core/quarantine-release.ts',
    find: 'if (isTooFarAhead(services, state)) return released',
    replace: 'break',
  },
  {
    name: 'one conflict a record',
    file: conflict,
    find: '${derivedId(stamp, ...part)}',
    replace: '',
  },
  {
    name: 'the id of a conflict differs from site to site',
    file: apply,
    find: 'const state = conflictRecord(loser)',
    replace:
      'const lost = conflictRecord(loser)\n  const state = { ...lost, key: { ...lost.key, id: `${lost.key.id}${services.site}` } }',
  },
]
