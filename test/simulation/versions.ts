import type { RecordState } from '../../shared/domain/record.ts'
import type { Site } from '../../shared/domain/site.ts'
import type { GrantOptions, OfferOutcome, SummaryAnswer } from '../../shared/ports/peer.ts'
import type { World } from './world.ts'

/** Which site runs version N + 1, if any: it adds members that version N has never heard of, and answers in new words. */
export interface Versions {
  readonly newer: Site | undefined
}

/** What a site puts on the wire. */
export function sent({ link }: World, from: Site, states: readonly RecordState[]): readonly RecordState[] {
  return link.versions.newer === from ? states.map((state) => ({ ...state, priority: 'of version N + 1' })) : states
}

/** What a site reads from the wire, through the schema of the routes. */
export function older(world: World, to: Site, states: readonly RecordState[]): RecordState[] {
  if (world.link.versions.newer === undefined && !world.versions) return [...states]
  const { recordStateSchema } = world.sites[to].code()
  return states.flatMap((state) => {
    const parsed = recordStateSchema.safeParse(state)
    if (!parsed.success) {
      world.ledger.violations.push(`19: ${to} could not read a state: ${parsed.error.message}`)
      return []
    }
    if ('priority' in state && !('priority' in parsed.data)) world.mark('unknown members dropped')
    return parsed.data as RecordState
  })
}

/** Version N asks for no packed digests, and when it is asked for them it knows nothing of a salt. */
export function saltOf({ link, mark }: World, salt: string | undefined): string | undefined {
  if (link.versions.newer === undefined) return salt
  if (salt !== undefined) mark('digests asked of a site that does not pack them')
  return undefined
}

/** Version N looks at each object that it grants, whatever it is asked. */
export function grantAs({ link, mark }: World, as: GrantOptions | undefined): GrantOptions | undefined {
  if (link.versions.newer === undefined || as?.unseen === undefined) return as
  mark('grant asked of a site that looks at the object first')
  const { unseen: _, ...known } = as
  return known
}

/**
 * Version N does not tell up to when its digests know of everything, and does not hear it. Nobody can tell then that its feed
 * stands still, and sessions are not held to more than it does: where feeds stall, both tell how far theirs have come.
 */
export function answersOf({ link, mark, profile }: World, answers: readonly SummaryAnswer[]): readonly SummaryAnswer[] {
  if (link.versions.newer === undefined) return answers
  return answers.map((answer) => {
    if (!('scrubbedSinceMs' in answer) && !('fedUntilMs' in answer)) return answer
    mark('digests of a site that does not say up to when')
    const { scrubbedSinceMs: _, fedUntilMs, ...known } = answer
    return profile.feedStalls && fedUntilMs !== undefined ? { ...known, fedUntilMs } : known
  })
}

/** The newer site puts some states off, and says so in a word that the older one does not know. */
export async function outcomesOfNewer(
  world: World,
  to: Site,
  states: readonly RecordState[],
  apply: (states: readonly RecordState[]) => Promise<OfferOutcome[]>,
): Promise<OfferOutcome[]> {
  if (world.link.versions.newer !== to || !world.faultsOn()) return apply(states)
  const isPutOff = states.map(() => world.streams.faults.oneIn(15))
  if (isPutOff.includes(true)) world.mark('unknown outcome received')
  const outcomes = await apply(states.filter((_, index) => !isPutOff[index]))
  const rest = outcomes[Symbol.iterator]()
  const putOff = { kind: 'put-off' } as unknown as OfferOutcome
  return isPutOff.map((isOff) => (isOff ? putOff : (rest.next().value ?? putOff)))
}
