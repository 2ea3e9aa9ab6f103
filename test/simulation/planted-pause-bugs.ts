import type { PlantedBug } from './planted-bugs.ts'

const often = { isCalm: false, pausesMs: 60_000, thinkMsMax: 20_000, opsPerClient: 40 } as const

/** Mistakes in what an operator stops. */
export const pauseBugs: readonly PlantedBug[] = [
  {
    name: 'a site whose way in is paused takes in what it is offered',
    file: 'shared/core/apply.ts',
    find: 'await assertMayTakeIn(services)',
    replace: '',
    override: often,
  },
  {
    name: 'the feed offers although the way out is paused',
    file: 'shared/core/feed.ts',
    find: "&& !(await isPaused(services, 'outgoing'))",
    replace: '',
    override: often,
  },
  {
    name: 'a write for both sites is offered although the way out is paused',
    file: 'shared/core/durability.ts',
    find: "if (await isPaused(services, 'outgoing')) return false",
    replace: '',
    override: often,
  },
  {
    name: 'a peer that takes nothing in makes dead letters',
    file: 'shared/core/peer-health.ts',
    find: "|| hasCode(error, 'replication-paused')",
    replace: '',
    override: often,
  },
]
