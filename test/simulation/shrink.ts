import type { Profile, ProfileOverride } from './profile.ts'
import type { RunResult } from './run.ts'
import type { Worker } from './workers.ts'

/** The number of the first invariant that was broken. */
export const invariantOf = ({ broken }: Pick<RunResult, 'broken'>): string => broken[0]?.split(':')[0] ?? ''

/** What may be taken away from a run, one at a time: each makes it smaller or calmer. */
function* lesser(profile: Profile): Generator<ProfileOverride> {
  const { clients, opsPerClient, records } = profile
  for (const fewer of [1, Math.floor(opsPerClient / 2), opsPerClient - 1]) {
    if (fewer >= 1 && fewer < opsPerClient) yield { opsPerClient: fewer }
  }
  if (clients > 1) yield { clients: clients - 1 }
  if (records > 1) yield { records: 1 }
  if (records > 2) yield { records: records - 1 }
  for (const fault of numbers) if (profile[fault] > 0) yield { [fault]: 0 }
  for (const fault of switches) if (profile[fault]) yield { [fault]: false }
  if (profile.rebuild !== 'none') yield { rebuild: 'none' }
}

const numbers = [
  'crash',
  'zombie',
  'throttle',
  'lostAnswer',
  'netLoss',
  'netDouble',
  'netLate',
  'mischiefMs',
  'loseFeedEvents',
  'corruption',
  'shardSplits',
  'alike',
  'indexLag',
  'pausesMs',
  'visitsMs',
  'rush',
] as const
const switches = [
  'longOutage',
  'clockFaults',
  'serviceOutages',
  'feedStalls',
  'objects',
  'queueFaults',
  'uploads',
  'objectEventFaults',
  'mixedVersions',
  'opensAtOnce',
  'forms',
  'webhooks',
] as const

/**
 * Takes away whatever the failure does not need, until nothing more can go; at most `runsMax` runs. `first` is what was
 * changed already. Answers the whole profile, so that the failure is kept even when seeds come to draw other profiles.
 */
export async function shrink(
  failed: RunResult,
  worker: Worker,
  runsMax = 80,
  first: ProfileOverride = {},
): Promise<Profile> {
  const wanted = invariantOf(failed)
  let { profile } = failed
  let override = first
  let runs = 0
  for (let isSmaller = true; isSmaller && runs < runsMax; ) {
    isSmaller = false
    for (const less of lesser(profile)) {
      if (runs++ >= runsMax) break
      const result = await worker.run({ seed: failed.seed, override: { ...override, ...less } })
      if (invariantOf(result) !== wanted) continue
      override = { ...override, ...less }
      profile = result.profile
      isSmaller = true
      break
    }
  }
  return profile
}
