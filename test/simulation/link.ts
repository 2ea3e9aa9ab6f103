import { applyStates } from '../../shared/core/apply.ts'
import { answerSummaries, grantReads, listForPeer, readForPeer } from '../../shared/core/peer-service.ts'
import type { Services } from '../../shared/core/services.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import { peerOf, type Site } from '../../shared/domain/site.ts'
import type { Peer } from '../../shared/ports/peer.ts'
import { makeInvocation, type Invocation } from './invocation.ts'
import type { World } from './world.ts'

/** The network between the sites; each direction may be cut by itself. */
export interface Link {
  cutUntilMs: Record<Site, number>
  slowUntilMs: number
  isCut(from: Site, to: Site): boolean
  /** States offered, by the site that offered them. */
  offered: Record<Site, number>
}

const timeoutMs = 10_000

export const makeLink = ({ scheduler }: Pick<World, 'scheduler'>): Link => {
  const link: Link = {
    cutUntilMs: { aws: 0, azure: 0 },
    slowUntilMs: 0,
    isCut: (from) => scheduler.now() < link.cutUntilMs[from],
    offered: { aws: 0, azure: 0 },
  }
  return link
}

/** The peer as one invocation reaches it: requests and answers get lost, doubled and delayed, each for itself. */
export function linkTo(world: World, from: Site, caller: Invocation): Peer {
  const call = async <Answer>(verb: string, act: (services: Services) => Promise<Answer>): Promise<Answer> =>
    caller.effect(`peer.${verb}`, () => cross(world, from, { verb, act }))
  return {
    offer: (states) => {
      world.link.offered[from] += states.length
      return call('offer', (services) => applyStates(services, clone(states)))
    },
    read: (keys) => call('read', async (services) => (await readForPeer(services, keys)).map(cloneOf)),
    list: (collection, page) => call('list', async (services) => clone(await listForPeer(services, collection, page))),
    grantRead: (keys) => call('grantRead', (services) => grantReads(services, keys)),
    summaries: (requests) => call('summaries', async (services) => clone(await answerSummaries(services, requests))),
    status: () =>
      call('status', async (services) => ({ site: services.site, nowMs: services.clock.now(), protocol: 1 })),
  }
}

const clone = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value)) as Value
const cloneOf = <Value>(value: Value | undefined): Value | undefined => (value === undefined ? undefined : clone(value))

interface Call<Answer> {
  readonly verb: string
  readonly act: (services: Services) => Promise<Answer>
}

async function cross<Answer>(world: World, from: Site, { verb, act }: Call<Answer>): Promise<Answer> {
  const to = peerOf(from)
  const { scheduler, streams, profile, mark, faultsOn } = world
  const startedMs = scheduler.now()
  const lost = async (): Promise<never> => {
    await scheduler.delay(Math.max(1, startedMs + timeoutMs - scheduler.now()), `${from} peer time-out`)
    throw new CatamaranError('peer-unavailable', 'simulated: no answer in time')
  }
  const run = (): Promise<Answer> => {
    const invocation = makeInvocation(world, `${to} peer-${verb}`)
    return Promise.race([act(world.sites[to].servicesOf(invocation)), invocation.killed.then(lost)])
  }
  if (isLost(world, from)) return lost()
  await scheduler.delay(hopMs(world), `${from} request`)
  if (!world.sites[to].isUp) return lost()
  if (faultsOn() && streams.network.oneIn(profile.netDouble)) {
    mark('request to the peer doubled')
    run().catch(() => {})
  }
  if (faultsOn() && streams.network.oneIn(profile.netLate)) {
    mark('request to the peer late by minutes')
    scheduler.at(
      scheduler.now() + streams.network.between(60_000, 600_000),
      `${to} late`,
      () => void run().catch(() => {}),
    )
    return lost()
  }
  const answer = await Promise.race([
    run(),
    scheduler.delay(timeoutMs, `${from} peer time-out`).then((): never => {
      throw new CatamaranError('peer-unavailable', 'simulated: no answer in time')
    }),
  ])
  if (isLost(world, to)) {
    mark('answer of the peer lost')
    return lost()
  }
  await scheduler.delay(hopMs(world), `${to} answer`)
  return answer
}

function isLost({ link, streams, profile, faultsOn, mark }: World, from: Site): boolean {
  if (link.isCut(from, peerOf(from))) return true
  if (!faultsOn() || !streams.network.oneIn(profile.netLoss)) return false
  mark('request to the peer lost')
  return true
}

const hopMs = ({ link, scheduler, streams }: World): number =>
  10 + streams.network.pick(40) + (scheduler.now() < link.slowUntilMs ? streams.network.pick(8_000) : 0)
