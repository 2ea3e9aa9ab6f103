import { CatamaranError } from '../domain/errors.ts'
import { offerStatesMax } from '../domain/limits.ts'
import { keyText, type RecordKey, type RecordState } from '../domain/record.ts'
import { peerOf, type Site } from '../domain/site.ts'
import type { OfferOutcome } from '../ports/peer.ts'
import { applyStates } from './apply.ts'
import { batchesOf } from './feed.ts'
import { paced, type Step } from './operation-step.ts'
import type { Cost } from './pace.ts'
import { isToPull, isToPush, type Difference } from './record-differences.ts'
import { stateOf } from './record-history.ts'

/**
 * Moves the states that one side lacks, each way, at the operation's pace; in a dry run only counts them. What a site
 * refuses is reported. Throws `peer-unavailable` when the peer goes away; what was moved stays moved.
 */
export async function moveRecords(step: Step, differences: readonly Difference[]): Promise<void> {
  for (let start = 0; start < differences.length; start += offerStatesMax) {
    const some = differences.slice(start, start + offerStatesMax)
    const pull = some.filter(isToPull).map(({ key }) => key)
    const push = some.filter(isToPush).map(({ key }) => key)
    if (step.operation.dryRun) {
      step.tally.count('recordsPulled', pull.length)
      step.tally.count('recordsPushed', push.length)
    } else await exchange(step, pull, push)
  }
}

/** Both sides are read before either is changed: of two concurrent states each site then finds the conflict by itself. */
async function exchange(step: Step, pull: readonly RecordKey[], push: readonly RecordKey[]): Promise<void> {
  const { services } = step
  const ours = (await services.records.getMany(push)).filter((record) => record !== undefined).map(stateOf)
  if (pull.length > 0) {
    const theirs = await paced(step, costOf, async () =>
      (await services.peer.read(pull)).filter((state) => state !== undefined),
    )
    const outcomes = await applyStates(services, theirs)
    report(step, services.site, theirs, outcomes)
  }
  for (const batch of batchesOf(ours)) {
    const outcomes = await paced(
      step,
      () => costOf(batch),
      () => services.peer.offer(batch),
    )
    report(step, peerOf(services.site), batch, outcomes)
  }
}

const costOf = (states: readonly RecordState[]): Cost => ({
  records: states.length,
  bytes: states.reduce((sum, state) => sum + Buffer.byteLength(JSON.stringify(state)), 0),
})

/** Throws when a site could not take something in just now: then the whole is done again. */
function report(
  { services, tally }: Step,
  site: Site,
  states: readonly RecordState[],
  outcomes: readonly OfferOutcome[],
): void {
  const moved = outcomes.filter(({ kind }) => kind === 'applied' || kind === 'merged').length
  tally.count(site === services.site ? 'recordsPulled' : 'recordsPushed', moved)
  for (const [index, state] of states.entries()) {
    const outcome = outcomes[index]
    if (outcome && ['applied', 'merged', 'known'].includes(outcome.kind)) continue
    if (outcome?.kind === 'failed' && outcome.code === 'unavailable') {
      throw new CatamaranError('unavailable', `${site} could not take a record in just now: ${outcome.detail}`)
    }
    const why = outcome?.kind === 'failed' ? `${outcome.code}: ${outcome.detail}` : (outcome?.kind ?? 'no outcome')
    tally.found({ kind: 'record-refused', what: keyText(state.key), detail: `${site} did not take it in: ${why}` })
  }
}
