import type { PlantedBug } from './planted-bugs.ts'
import { overload } from './profile.ts'

const override = { ...overload, capacity: 20 } as const

/** Mistakes that nobody notices until there is more to do than can be done. */
export const overloadBugs: readonly PlantedBug[] = [
  {
    name: 'what a busy peer did not take fails its batch, which the feed brings again',
    file: 'shared/core/feed.ts',
    find: 'await offerChanges(services, [...(await losersOf(services, own)), ...own.map(stateOf)])',
    replace: `const taken = await offerChanges(services, [...(await losersOf(services, own)), ...own.map(stateOf)])
  if (taken < own.length) return { failed: [...changes.keys()] }`,
    override,
  },
  {
    name: 'the scrub reads all there is in every run',
    file: 'shared/core/scrub.ts',
    find: 'const scrubRuns = 1024',
    replace: 'const scrubRuns = 1',
    override,
  },
]
