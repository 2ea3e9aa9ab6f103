import { join } from 'node:path'
import { peerOf, type Site } from '../../shared/domain/site.ts'
import { developmentTenant, seedKey } from '../seed.ts'
import type { Clouds } from '../supervisor/clouds.ts'
import { type Api, apiOf } from '../tour/api.ts'
import { untilAlike } from './alike.ts'
import { type Extent, putBack, takeBackup } from './backup.ts'
import { damage, mend, type Mended } from './damage.ts'
import { lackingAt } from './files.ts'
import { differencesIn, operate } from './operate.ts'
import { settle, type Settled } from './promises.ts'
import type { Receiver } from './receiver.ts'
import { letIn, type Returned, seenAt } from './returned.ts'
import { untilServes } from './serves.ts'
import { say, type Stage } from './stage.ts'
import { handsIn } from './stores.ts'
import { type Cast, play, thingsOf } from './things.ts'
import { subscribe, toldTwice, untilTold } from './told.ts'

export interface Setting {
  /** The one that goes back to its backup. */
  readonly site: Site
  readonly extent: Extent
  readonly records: number
  /** What it is started with after the restore; 0 is what it had. */
  readonly incarnation: number
  /** A folder for the files that are uploaded. */
  readonly files: string
}

/** What the restore came to. */
export interface Restored {
  readonly clouds: Clouds
  readonly cast: Cast
  /** From its start until it served. */
  readonly servesMs: number
  /** From then until both sites were as promised, clients being let in meanwhile. */
  readonly settlesMs: number
  readonly returned: Returned
  /** By itself, once it served. */
  readonly settled: Settled
  readonly backfillMs: number
  /** After the backfill. */
  readonly differences: number
  /** Assets whose bytes a site does not give out as they were. */
  readonly lacking: readonly string[]
  readonly untold: readonly string[]
  readonly toldTwice: readonly string[]
}

/**
 * Both sites live; a backup is taken of one, life goes on at both, the site is lost, goes back to the backup as
 * docs/operations.md tells, and catches up.
 */
export async function restore(stage: Stage, setting: Setting, receiver: Receiver): Promise<Restored> {
  const { site } = setting
  const clouds = await stage.start()
  const cast = castOf(clouds, await seedKey(clouds), setting)
  const [lost, peer] = [cast.apis[site], cast.apis[peerOf(site)]]
  await subscribe(cast.apis, receiver)

  say('both sites are written to …')
  await play(cast, 'before')
  await settleOrThrow(cast, 'before the backup')
  const seen = await seenAt(lost, cast.things)
  const backup = join(stage.folder, 'backup')
  await copyOf(clouds, lost, backup)
  say('life goes on at both sites …')
  await play(cast, 'after')
  await settleOrThrow(cast, 'before the loss')
  const untoldBefore = await untilTold(receiver, cast.things)
  if (untoldBefore.length > 0) throw new Error(`Not told before the loss: ${untoldBefore.join('; ')}`)
  // What nobody but the lost site holds is lost with it, the note of who was told what included.
  await untilAlike(cast)

  say(`${site} is lost, and ${peer.site} goes on alone …`)
  await clouds.loseSite(site)
  await play(cast, 'alone')
  await putBack(clouds.dataFolder, site, backup, setting.extent)
  say(`${site} begins from the backup …`)
  const startMs = performance.now()
  await clouds.startSite(site, { SITE_INCARNATION: String(setting.incarnation) })
  const servedMs = await untilServes(lost)
  const returned = await letIn(cast, seen)
  const settled = await settle(cast)
  const settledMs = performance.now()
  say('backfill and verify …')
  const backfillMs = await timed(() => operate(peer, 'backfill'))
  const differences = differencesIn(await operate(peer, 'verify'))
  const lacking = await lackingIn(clouds, cast)
  const untold = await untilTold(receiver, cast.things)
  return {
    clouds,
    cast,
    servesMs: servedMs - startMs,
    settlesMs: settledMs - servedMs,
    returned,
    settled,
    backfillMs,
    differences,
    lacking,
    untold,
    toldTwice: toldTwice(receiver),
  }
}

/** What the second part came to. */
export interface Repaired {
  readonly mended: Mended
  readonly settled: Settled
  readonly toldTwice: readonly string[]
}

/** A person lays hands on the stores of the site that came back, and it is mended from the other one. */
export async function repair({ clouds, cast }: Restored, receiver: Receiver): Promise<Repaired> {
  say(`somebody lays hands on the stores of ${cast.lost} …`)
  const hands = await handsIn(clouds, cast.lost)
  const mended = await mend(cast.apis[cast.lost], hands, await damage(hands, developmentTenant, cast.things))
  return { mended, settled: await settle(cast), toldTwice: toldTwice(receiver) }
}

async function copyOf(clouds: Clouds, api: Api, backup: string): Promise<void> {
  const { site } = api
  say(`${site} is stopped, copied, and started again …`)
  await clouds.stopSite(site)
  await takeBackup(clouds.dataFolder, site, backup)
  await clouds.startSite(site)
  await untilServes(api)
}

function castOf(clouds: Clouds, key: string, { site, records, files }: Setting): Cast {
  const api = (each: Site) => apiOf(each, clouds.urls[each].api, key)
  return { apis: { aws: api('aws'), azure: api('azure') }, lost: site, things: thingsOf(records), folder: files }
}

/** What is wrong before the site is lost is no matter of its restore. */
async function settleOrThrow(cast: Cast, when: string): Promise<void> {
  const { verdict } = await settle(cast)
  const wrong = Object.entries(verdict).flatMap(([kind, names]) => names.map((name: string) => `${kind}: ${name}`))
  if (wrong.length > 0) throw new Error(`The sites were not as they should be ${when}: ${wrong.slice(0, 5).join('; ')}`)
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await work()
  return performance.now() - startMs
}

async function lackingIn(clouds: Clouds, { apis, things }: Cast): Promise<string[]> {
  const live = things.filter(({ sha256, text }) => sha256 !== undefined && text !== undefined)
  const digests = new Map(live.map(({ id, sha256 = '' }) => [id, sha256]))
  const perSite = await Promise.all(
    Object.values(apis).map(async (api) => {
      const lacking = await lackingAt(api, clouds.urls[api.site].edge, digests)
      return lacking.map((id) => `${id} at ${api.site}`)
    }),
  )
  return perSite.flat()
}
