import type { PlantedBug } from './planted-bugs.ts'
import { underAttack } from './profile.ts'

const apply = 'shared/core/apply.ts'
const breaker = 'shared/core/breaker.ts'
const judge = 'shared/core/breaker-judge.ts'
const destruction = 'shared/replication/destruction.ts'
const exchange = 'shared/core/exchange.ts'

/** Mistakes in what stands between a site that has gone mad and the records of the other. */
export const breakerBugs: readonly PlantedBug[] = [
  {
    name: 'the sender is trusted to count',
    file: apply,
    find: "if (judgement === 'hold') return { kind: 'frozen' }",
    replace: '',
    override: underAttack('deletes'),
  },
  {
    name: 'what names this site as its author is not counted',
    file: breaker,
    find: 'if (!stored || !kind || passed.has(offered))',
    replace: 'if (!stored || !kind || passed.has(offered) || offered.stamp.endsWith(services.site))',
    override: underAttack('deletes'),
  },
  {
    name: 'the counts are forgotten when a function ends',
    file: judge,
    find: 'const before = countsIn(scope.slots, nowMs)',
    replace: 'const before = { settled: 0, recent: 0 }',
    override: underAttack('deletes'),
  },
  {
    name: 'overwrites are not counted',
    file: destruction,
    find: "return ageMs < restedMs ? 'recent' : 'settled'",
    replace: 'return undefined',
    override: underAttack('overwrites'),
  },
  {
    name: 'what the peer repeats becomes its own',
    file: apply,
    find: 'const content = stored && contentKept(stored, state)',
    replace: 'const content = undefined',
    override: underAttack('overwrites'),
  },
  {
    name: 'reconcile goes past the breaker',
    file: exchange,
    find: 'const outcomes = await applyStates(services, present)',
    replace: `const outcomes = await Promise.all(present.map(async (state) => {
      const old = await services.records.get(state.key)
      const condition = old ? { kind: 'unchanged', token: old.token } : { kind: 'absent' }
      await services.records.put(state, condition, { via: 'peer', arrivalMs: services.clock.now() })
      return { kind: 'applied' }
    }))`,
    override: underAttack('deletes'),
  },
  {
    name: 'tenants are counted, but not everything together',
    file: breaker,
    find: 'counted = await count(services, everything, counted, everythingLimits(sizes.everything))',
    replace: '',
    override: underAttack('deletes'),
  },
  {
    name: 'what was let through is not noted, and cannot be brought back',
    file: breaker,
    find: 'await logPassed(services, counted)',
    replace: '',
    override: underAttack('deletes'),
  },
  {
    name: 'what was rejected is held for ever, and the other site gets nothing back',
    file: judge,
    find: "return verdict.kind === 'release' ? 'pass' : 'restore'",
    replace: "return verdict.kind === 'release' ? 'pass' : 'hold'",
    override: underAttack('deletes'),
  },
  {
    name: 'a rejection fails with the first record that cannot be brought back yet',
    file: 'shared/core/breaker-control.ts',
    find: "services.telemetry.log('warn', 'What was rejected is brought back later', {}, error)",
    replace: 'throw error',
    override: { ...underAttack('deletes'), lostAnswer: 25 },
  },
]
