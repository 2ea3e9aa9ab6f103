import type { Services } from '../../shared/core/services.ts'
import { CatamaranError, isCatamaranError } from '../../shared/domain/errors.ts'
import { offerStatesMax } from '../../shared/domain/limits.ts'
import type { RecordState } from '../../shared/domain/record.ts'
import { peerOf, type Site } from '../../shared/domain/site.ts'
import type { OfferOutcome, Peer } from '../../shared/ports/peer.ts'
import type { Code } from './code.ts'
import { makeInvocation, type Invocation } from './invocation.ts'
import { answersOf, grantAs, older, outcomesOfNewer, saltOf, sent, type Versions } from './versions.ts'
import { checkOffered } from './operator.ts'
import { watchOffer, watchOutcomes } from './watch-offers.ts'
import type { World } from './world.ts'

/** The network between the sites; each direction may be cut by itself. */
export interface Link {
  cutUntilMs: Record<Site, number>
  slowUntilMs: number
  isCut(from: Site, to: Site): boolean
  /** States offered, by the site that offered them. */
  readonly offered: Record<Site, number>
  /** How many calls each site has begun, and which of them came last to the other. */
  readonly calls: Record<Site, number>
  readonly arrived: Record<Site, number>
  readonly versions: Versions
}

const timeoutMs = 10_000
const keysMax = 100
const dayMs = 86_400_000
const lateMsMax = 600_000
/** While a site is away for days, what was sent before may come as late as that. */
const daysLateMsMax = 3 * dayMs

export const makeLink = ({ scheduler }: Pick<World, 'scheduler'>, versions: Versions): Link => {
  const link: Link = {
    cutUntilMs: { aws: 0, azure: 0 },
    slowUntilMs: 0,
    isCut: (from) => scheduler.now() < link.cutUntilMs[from],
    offered: { aws: 0, azure: 0 },
    calls: { aws: 0, azure: 0 },
    arrived: { aws: 0, azure: 0 },
    versions,
  }
  return link
}

/** The peer as one invocation reaches it: requests and answers get lost, doubled and delayed, each for itself. */
export function linkTo(world: World, caller: Invocation): Peer {
  const { site: from } = caller
  const to = peerOf(from)
  const call = async <Answer>(
    verb: string,
    act: (services: Services, code: Code) => Promise<Answer>,
    items = 1,
  ): Promise<Answer> => {
    world.ledger.traffic.calls++
    if (items > keysMax) world.ledger.violations.push(`7: ${items} items in one ${verb}`)
    try {
      return await caller.effect('peer', verb, () => cross(world, from, { verb, act, items }))
    } catch (error) {
      throw asSeenFromAfar(error)
    }
  }
  const offer = async (states: readonly RecordState[]): Promise<readonly OfferOutcome[]> => {
    watchOffer(world, caller, states)
    checkOffered(world, from)
    const { epoch } = world.sites[to]
    const outgoing = sent(world, from, states)
    const outcomes = await call(
      'offer',
      (services, { applyStates }) =>
        outcomesOfNewer(world, to, older(world, to, clone(outgoing)), (taken) => applyStates(services, taken)),
      Math.ceil((states.length * keysMax) / offerStatesMax),
    )
    // A site that lost its data since then is not asked for what it said before.
    if (world.sites[to].epoch === epoch) watchOutcomes(world, to, states, outcomes)
    return outcomes
  }
  return {
    offer,
    read: (keys) => {
      if (caller.name === 'http') world.mark('read through to the peer')
      const states = async (services: Services, { readForPeer }: Code) => {
        const found = await readForPeer(services, keys)
        return found.map((state) => state && older(world, from, clone(sent(world, to, [state])))[0])
      }
      return call('read', states, keys.length)
    },
    list: (collection, page) => {
      if (caller.name === 'http') world.mark('list read through to the peer')
      return call('list', async (services, { listForPeer }) => clone(await listForPeer(services, collection, page)))
    },
    grantRead: (keys, as) =>
      call('grantRead', (services, { grantReads }) => grantReads(services, keys, grantAs(world, as)), keys.length),
    summaries: (requests, salt) => {
      const understood = saltOf(world, salt)
      return call('summaries', async (services, { answerSummaries }) =>
        answersOf(world, clone(await answerSummaries(services, requests, understood))),
      )
    },
    compareBuckets: (questions) =>
      call('compareBuckets', async (services, { answerBuckets }) => clone(await answerBuckets(services, questions))),
    fetchObjects: (targets) =>
      call('fetchObjects', (services, { fetchForPeer }) => fetchForPeer(services, targets), targets.length),
    status: () => call('status', (services, { statusForPeer }) => statusForPeer(services)),
  }
}

const clone = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value)) as Value

/** As over HTTP: what may pass by itself is the peer being away; anything else is a disagreement. */
function asSeenFromAfar(error: unknown): unknown {
  if (!isCatamaranError(error) || error.code === 'replication-paused') return error
  const passes = error.status >= 500 || error.status === 429
  return new CatamaranError(passes ? 'peer-unavailable' : 'conflict', error.message)
}

interface Call<Answer> {
  readonly verb: string
  readonly items: number
  readonly act: (services: Services, code: Code) => Promise<Answer>
}

async function cross<Answer>(world: World, from: Site, { verb, act, items }: Call<Answer>): Promise<Answer> {
  const to = peerOf(from)
  const { link, scheduler, streams, profile, mark, faultsOn } = world
  const startedMs = scheduler.now()
  const lost = async (): Promise<never> => {
    await scheduler.delay(Math.max(1, startedMs + timeoutMs - scheduler.now()), `${from} peer time-out`)
    throw new CatamaranError('peer-unavailable', 'simulated: no answer in time')
  }
  const run = (): Promise<Answer> => {
    const invocation = makeInvocation(world, to, `peer-${verb}`, items)
    return Promise.race([
      act(world.sites[to].servicesOf(invocation), world.sites[to].code()),
      invocation.killed.then(lost),
    ])
  }
  if (isLost(world, from)) return lost()
  const turn = link.calls[from]++
  await scheduler.delay(hopMs(world), `${from} request`)
  if (turn < link.arrived[from]) mark('request to the peer overtaken by a later one')
  link.arrived[from] = Math.max(turn, link.arrived[from])
  if (!world.sites[to].isUp) {
    mark('request met a site that was down')
    return lost()
  }
  if (faultsOn() && streams.network.oneIn(profile.netDouble)) {
    mark('request to the peer doubled')
    run().catch(() => {})
  }
  if (faultsOn() && streams.network.oneIn(profile.netLate)) {
    mark('request to the peer late by minutes')
    const lateMs = streams.network.between(60_000, profile.longOutage ? daysLateMsMax : lateMsMax)
    const arrive = (): void => {
      if (!world.sites[to].isUp) return mark('request met a site that was down')
      if (lateMs > dayMs) mark('request to the peer late by days')
      run().catch(() => {})
    }
    scheduler.at(scheduler.now() + lateMs, `${to} late`, arrive)
    return lost()
  }
  const timeout = scheduler.timeout(timeoutMs, `${from} peer time-out`)
  const answer = await Promise.race([run(), timeout.over.then(lost)]).finally(() => timeout.cancel())
  if (isLost(world, to)) {
    mark('answer of the peer lost')
    return lost()
  }
  await scheduler.delay(hopMs(world), `${to} answer`)
  return answer
}

function isLost({ link, streams, profile, faultsOn, mark }: World, from: Site): boolean {
  if (link.isCut(from, peerOf(from))) {
    mark('request or answer met a cut')
    return true
  }
  if (!faultsOn() || !streams.network.oneIn(profile.netLoss)) return false
  mark('request to the peer lost')
  return true
}

const hopMs = ({ link, scheduler, streams }: World): number =>
  10 + streams.network.pick(40) + (scheduler.now() < link.slowUntilMs ? streams.network.pick(8_000) : 0)
