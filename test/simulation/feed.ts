import type { StoredRecord } from '../../shared/domain/record.ts'
import type { Site } from '../../shared/domain/site.ts'
import { makeInvocation } from './invocation.ts'
import type { World } from './world.ts'

/** A site's change feed and the function behind it. */
export interface Feed {
  changed(state: StoredRecord): void
  /** How many changes the function has not dealt with yet. */
  backlog(): number
  /** Forgets everything: the table it belongs to is another one now. */
  reset(): void
}

export const feedPollMs = 250
export const feedBatchMax = 10
/** How often the host of a site that is down would look again; through an outage of days, rarely. */
export const downPauseMs = ({ profile }: World): number => (profile.longOutage ? 1_800_000 : 10_000)
export const standingPauseMs = 10_000
const timeoutMs = 60_000

/** Whether something keeps this feed from its function, while there is something to bring. */
export function standsStill({ sites, scheduler, mark }: World, site: Site): boolean {
  if (scheduler.now() >= sites[site].feedStandsUntilMs) return false
  mark('feed stood still')
  return true
}

/** How one delivery ended, as the host sees it. */
export type Delivery = { readonly kind: 'done'; readonly failed: readonly number[] } | { readonly kind: 'failed' }

/** What a feed does with a batch. */
export type Handler = (world: World, site: Site, batch: readonly StoredRecord[]) => Promise<Delivery>

/** Runs the change-feed function over one batch, gives up on it after its time-out, and may leave a zombie behind. */
export async function deliver(world: World, site: Site, batch: readonly StoredRecord[]): Promise<Delivery> {
  const invocation = makeInvocation(world, site, 'feed', batch.length)
  const run = world.sites[site].code().handleChanges(world.sites[site].servicesOf(invocation), batch)
  const isZombie = world.faultsOn() && world.streams.faults.oneIn(world.profile.zombie)
  const givenUpMs = isZombie ? world.streams.faults.pick(300) : timeoutMs
  const timeout = world.scheduler.timeout(givenUpMs, `${site} feed time-out`)
  const outcome = await Promise.race([
    run.then(
      ({ failed }): Delivery => ({ kind: 'done', failed }),
      (): Delivery => ({ kind: 'failed' }),
    ),
    invocation.killed.then((): Delivery => ({ kind: 'failed' })),
    timeout.over.then((): Delivery => {
      if (isZombie) world.mark('zombie went on after its time-out')
      return { kind: 'failed' }
    }),
  ])
  timeout.cancel()
  return outcome
}
