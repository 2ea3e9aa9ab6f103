import { type Site, sites } from '../../shared/domain/site.ts'
import type { Api } from '../tour/api.ts'
import { until } from '../tour/until.ts'
import { listAll } from './pages.ts'
import { type Cast, collection, recordsPath, textOf, type Thing, type View } from './things.ts'

/** Names of what is not as clients were promised, at either site. */
export interface Verdict {
  /** Acknowledged, and not what a reader finds, or overwritten by somebody who had not seen it and not listed. */
  readonly lost: readonly string[]
  /** Deleted, and there again. */
  readonly risen: readonly string[]
  /** Made by nobody. */
  readonly doubled: readonly string[]
  /** Listed as conflicts, though nobody wrote over what he had not seen. */
  readonly invented: readonly string[]
  /** Different at the two sites. */
  readonly unlike: readonly string[]
}

interface Conflict {
  readonly collection: string
  readonly recordId: string
  readonly body: { readonly text?: string } | null
}

interface Held {
  /** By kind and id. */
  readonly views: ReadonlyMap<string, View>
  readonly conflicts: readonly Conflict[]
}

const nameIn = (kind: Thing['kind'], id: string): string => `${kind}/${id}`

async function heldAt(api: Api): Promise<Held> {
  const [records, assets, conflicts] = await Promise.all([
    listAll<View>(api, `${recordsPath}?limit=1000`),
    listAll<View>(api, '/v1/assets?limit=100'),
    listAll<Conflict>(api, '/v1/conflicts?limit=1000'),
  ])
  const views = new Map([
    ...records.map((view) => [nameIn('records', view.id), view] as const),
    ...assets.map((view) => [nameIn('assets', view.id), view] as const),
  ])
  return { views, conflicts }
}

/** Holds what both sites have against what they promised. */
export async function judge({ apis, things }: Pick<Cast, 'apis' | 'things'>): Promise<Verdict> {
  const [aws, azure] = await Promise.all([heldAt(apis.aws), heldAt(apis.azure)])
  const at = { aws, azure }
  const perSite = sites.map((site) => judgeSite(things, at[site], site))
  const all = (what: keyof (typeof perSite)[number]): string[] => perSite.flatMap((verdict) => verdict[what])
  const names = new Set([...aws.views.keys(), ...azure.views.keys()])
  const unlike = [...names].filter((name) => aws.views.get(name)?.etag !== azure.views.get(name)?.etag)
  return { lost: all('lost'), risen: all('risen'), doubled: all('doubled'), invented: all('invented'), unlike }
}

function judgeSite(things: readonly Thing[], { views, conflicts }: Held, site: Site) {
  const known = new Set(things.map(({ kind, id }) => nameIn(kind, id)))
  const found = (thing: Thing): string | undefined => {
    const view = views.get(nameIn(thing.kind, thing.id))
    return view && (textOf(thing, view) ?? '')
  }
  const isListed = ({ id, overwritten }: Thing): boolean =>
    conflicts.some(({ recordId, body }) => recordId === id && body?.text === overwritten)
  const here = (what: string): string => `${what} at ${site}`
  const changed = things.filter(({ overwritten }) => overwritten !== undefined)
  return {
    lost: [
      ...things.filter((thing) => thing.text !== undefined && found(thing) !== thing.text).map(({ name }) => name),
      ...changed.filter((thing) => !isListed(thing)).map(({ overwritten = '' }) => overwritten),
    ].map(here),
    risen: things
      .filter((thing) => thing.text === undefined && found(thing) !== undefined)
      .map(({ name }) => here(name)),
    doubled: [...views.keys()].filter((name) => !known.has(name)).map(here),
    invented: conflicts
      .filter((conflict) => !changed.some(({ id }) => conflict.collection === collection && conflict.recordId === id))
      .map((conflict) => here(`${conflict.collection}/${conflict.recordId}`)),
  }
}

export interface Settled {
  readonly verdict: Verdict
  /** How often a breaker was found frozen and released, as docs/operations.md asks after a restore. */
  readonly releases: number
}

const settleMsMax = 150_000
const everyMs = 400

const isClean = (verdict: Verdict): boolean => Object.values(verdict).every((names: string[]) => names.length === 0)

/** Waits until both sites hold what they promised, or for as long as that may take, and tells how it stands then. */
export async function settle(cast: Pick<Cast, 'apis' | 'things'>): Promise<Settled> {
  let verdict: Verdict | undefined
  let releases = 0
  const settled = async (): Promise<boolean> => {
    for (const site of sites) if (await releaseIfFrozen(cast.apis[site])) releases++
    verdict = await judge(cast)
    return isClean(verdict)
  }
  await until('what was promised', settled, { timeoutMs: settleMsMax, everyMs }).catch((error: unknown) => {
    if (!verdict) throw error
  })
  return { verdict: verdict ?? (await judge(cast)), releases }
}

async function releaseIfFrozen(api: Api): Promise<boolean> {
  const { incoming } = await api.get<{ incoming: { frozen: boolean } }>('/v1/replication/breaker')
  if (!incoming.frozen) return false
  await api.call('POST', '/v1/replication/breaker/release', {
    json: { reason: 'deletes that are meant', forMinutes: 10 },
    status: 200,
  })
  return true
}
