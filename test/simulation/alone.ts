import { type Origin, originOf, peerOf, sites, type Site } from '../../shared/domain/site.ts'
import { keyText, type RecordKey } from '../../shared/domain/record.ts'
import { livesOf, type Session } from '../../shared/replication/session.ts'
import { entriesOf, type Vector } from '../../shared/replication/vector.ts'
import type { World } from './world.ts'

/**
 * What a request may need of the other site: nothing; time, since it asks for both and is answered anyhow, or has much to go
 * through; or an answer, since its session has seen there what this site does not hold.
 */
export type PeerUse = 'none' | 'time' | 'answer'

/** Shorter than any request to the peer that is not answered. */
const aloneMsMax = 9_500

/** How a request ended: undefined when it was answered, or else why it was not. */
interface Ended {
  readonly failure: string | undefined
  readonly ms: number
}

/** 18. A site that nothing is wrong with answers by itself, however it goes with the other one. */
export function assertAlone(world: World, site: Site, peerUse: PeerUse, { failure, ms }: Ended): void {
  const { ledger, mark, sites: all, link, scheduler } = world
  const peer = all[peerOf(site)]
  const isAlone = !peer.isUp || sites.some((each) => scheduler.now() < link.cutUntilMs[each])
  if (peerUse === 'answer') return
  if (failure !== undefined) {
    ledger.violations.push(`18: ${site} did not answer by itself: ${failure}`)
  } else if (peerUse === 'none' && ms > aloneMsMax) {
    ledger.violations.push(`18: ${site} took ${ms} ms for what it could answer by itself`)
  } else if (isAlone) mark('answered while the other site was away')
}

/** What a read needs of the peer of `site` when its session has seen so much. Without a key: a list. */
export function peerUseOf({ sites: all }: World, site: Site, session: Session, key?: RecordKey): PeerUse {
  const here = originOf(site, all[site].incarnation)
  const held = key && all[site].latest.get(keyText(key))?.vector
  const isOwed = ([where, shown]: [Origin, Vector]): boolean =>
    where !== here && entriesOf(shown).some(([origin, stamp]) => origin !== here && (held?.[origin] ?? '') < stamp)
  return livesOf(session).some(isOwed) ? 'answer' : 'none'
}
