import type { ChangesCursor } from '../../shared/core/changes.ts'
import { keyText } from '../../shared/domain/record.ts'
import { peerOf, sites, type Site } from '../../shared/domain/site.ts'
import type { Vector } from '../../shared/replication/vector.ts'
import { compareVectors, vectorText } from '../../shared/replication/vector.ts'
import { tenant } from './client.ts'
import { request } from './request.ts'
import type { World } from './world.ts'

export interface Reader {
  /** Records whose last change has not been read. */
  behind(): string[]
}

const pauseMsMax = 15_000
/** Where new records are made in a rush, the reader stands where they come in. */
const hastyPauseMsMax = 500
const hastyForMs = 120_000
/** For so long after a rush: by then what it made has come in at both sites. */
const hastyAfterMs = 10_000
/** When there was nothing to read and nothing is about to happen: days of reading every few seconds would take too long. */
const idlePauseMsMax = 120_000
/** When there is, and nothing else happens any more. */
const catchUpPauseMsMax = 1_000
const outagePauseMsMax = 3_600_000
const limit = 12

/**
 * Follows the list of changes and changes site now and then: some changes come twice, none is missed. What a site lists too
 * late, since its clock was set back, or a store took long, the list does not promise to show; replication does not need it.
 */
export function startReader(world: World): Reader {
  const { scheduler, streams, mark, profile, ledger } = world
  const read = new Map<string, Vector>()
  let site: Site = streams.workload.of(sites)
  let cursor: ChangesCursor | undefined
  let isIdle = false
  // What one site's list misses, who often reads the other one's does not notice.
  const leavesOneIn = world.seed % 2 === 0 ? 10 : 200
  const isHasty = (): boolean => scheduler.now() < Math.min(hastyForMs, ledger.traffic.rushedMs + hastyAfterMs)
  const pauseMs = (): number => {
    if (isHasty()) return hastyPauseMsMax
    if (world.faultsOn() && profile.longOutage) return outagePauseMsMax
    if (world.faultsOn()) return pauseMsMax
    return isIdle ? idlePauseMsMax : catchUpPauseMsMax
  }
  const leastPauseMs = (): number => (isHasty() ? 10 : 1_000)
  const loop = async (): Promise<void> => {
    for (;;) {
      await scheduler.delay(leastPauseMs() + streams.workload.pick(pauseMs()), 'reader waits')
      if (streams.workload.oneIn(leavesOneIn)) {
        mark('reader of changes went to the other site')
        site = peerOf(site)
      }
      const outcome = await request(world, site, (services, code) =>
        code.listChanges(services, tenant, { cursor, limit }),
      )
      if (outcome.kind !== 'answered') continue
      cursor = outcome.value.cursor
      isIdle = outcome.value.items.length === 0
      for (const { key, vector } of outcome.value.items)
        if (isNews(keyText(key), vector)) read.set(keyText(key), vector)
    }
  }
  // The last that is shown is the newest, but for changes that a feed never told of: then whoever goes by the version is right.
  const isNews = (id: string, vector: Vector): boolean =>
    profile.loseFeedEvents === 0 || compareVectors(vector, read.get(id) ?? {}) !== 'before'
  void loop()
  const isPromised = (id: string): boolean => !sites.some((each) => world.ledger.listedLate.has(`${each} ${id}`))
  return {
    behind: () =>
      [...world.sites[site].latest].flatMap(([id, { key, vector }]) =>
        key.tenant !== tenant || vectorText(read.get(id) ?? {}) === vectorText(vector) || !isPromised(id) ? [] : [id],
      ),
  }
}
