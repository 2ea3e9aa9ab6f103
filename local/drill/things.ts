import { type Site, sites } from '../../shared/domain/site.ts'
import type { Answer, Api } from '../tour/api.ts'
import { until } from '../tour/until.ts'
import { forEach } from '../tour/upload.ts'
import { untilReady, uploadRandom } from './files.ts'
import { assetStories, type Chapter, deedsOf, recordStories, type Story, type Verb } from './story.ts'

export const collection = 'restored'
export const recordsPath = `/v1/collections/${collection}/records`

/** A record or an asset, and what its clients were promised of it. */
export interface Thing {
  readonly kind: 'records' | 'assets'
  readonly home: Site
  readonly story: Story
  /** For people, and the key under which it was made. */
  readonly name: string
  id: string
  /** What its readers are to find; undefined when it does not exist. */
  text: string | undefined
  /** What somebody wrote over without having seen it: to be listed as a conflict. */
  overwritten?: string
  /** Of the assets. */
  sha256?: string
  /** What the client that wrote it last has seen. */
  session: string
}

export interface Cast {
  readonly apis: Readonly<Record<Site, Api>>
  readonly lost: Site
  readonly things: readonly Thing[]
  /** For the files that are uploaded. */
  readonly folder: string
}

const atOnceMax = 8
const actMsMax = 60_000

/** As many records for each story as make `records` in all, and one asset for each; half of everything at either site. */
export function thingsOf(records: number): Thing[] {
  const each = Math.max(1, Math.round(records / recordStories.length / sites.length))
  const thing = (kind: Thing['kind'], story: Story, home: Site, name: string): Thing => {
    return { kind, story, home, name, id: name, text: undefined, session: '' }
  }
  return sites.flatMap((home) => [
    ...recordStories.flatMap((story, at) =>
      Array.from({ length: each }, (_, n) => thing('records', story, home, `record-${at}-${home}-${n}`)),
    ),
    ...assetStories.map((story, at) => thing('assets', story, home, `asset-${at}-${home}`)),
  ])
}

/** Plays a chapter of every thing's story. */
export const play = (cast: Cast, chapter: Chapter): Promise<void> =>
  forEach(cast.things, atOnceMax, async (thing) => {
    if (thing.story.born === chapter) await make(cast, thing)
    const deeds = deedsOf(thing.story, chapter, thing.home, cast.lost)
    // What its session has seen at the lost site nobody can read through to: a client goes on without it.
    if (chapter === 'alone' && deeds.length > 0) thing.session = ''
    for (const [verb, site] of deeds) await act(cast.apis[site], thing, verb)
  })

async function make({ apis, folder }: Cast, thing: Thing): Promise<void> {
  const api = apis[thing.home]
  if (thing.kind === 'records') return thing.story.isPosted ? post(api, thing) : act(api, thing, 'write')
  thing.sha256 = await uploadRandom(api, folder, thing.id)
  await untilReady(api, thing.id)
  await act(api, thing, 'write')
}

/** Makes a record by POST. Done again, at either site, it is the same record. */
export async function post(api: Api, thing: Thing): Promise<void> {
  const options = { json: { text: thing.name }, headers: { 'idempotency-key': thing.name }, status: [200, 201] }
  const answer = await api.call<{ id: string }>('POST', recordsPath, options)
  remember(thing, answer, thing.name)
  thing.id = answer.body.id
}

let turns = 0

/** Writes, deletes or undeletes what the client has seen, as often as it takes, and once. */
async function act(api: Api, thing: Thing, verb: Verb): Promise<void> {
  const text = verb === 'delete' ? undefined : `${thing.name}, turn ${turns++} at ${api.site}`
  const key = crypto.randomUUID()
  const done = async (): Promise<Answer | undefined> => {
    const headers = { ...sessionOf(thing), 'idempotency-key': key }
    const answer = await send(api, thing, { verb, text, headers })
    return answer.status < 300 ? answer : undefined
  }
  const answer = await until(`${verb} ${thing.name} at ${api.site}`, done, { timeoutMs: actMsMax })
  const { body } = answer as Answer<View>
  remember(thing, answer, verb === 'undelete' ? textOf(thing, body) : text)
}

interface Act {
  readonly verb: Verb
  readonly text: string | undefined
  readonly headers: Readonly<Record<string, string>>
}

async function send(api: Api, thing: Thing, { verb, text, headers }: Act): Promise<Answer> {
  const path = pathOf(thing)
  if (verb === 'undelete') return api.call('POST', `${path}/restore`, { headers })
  const seen = await api.call('GET', path, { headers: sessionOf(thing) })
  if (seen.status >= 500) return seen
  const etag = seen.headers.get('etag')
  const condition = seen.status === 200 && etag ? { 'if-match': etag } : { 'if-none-match': '*' }
  if (verb === 'delete') return api.call('DELETE', path, { headers: { ...headers, ...condition } })
  return write(api, thing, text ?? '', { ...headers, ...condition })
}

/** Writes the text under the condition that the headers name. */
export const write = (
  api: Api,
  thing: Thing,
  text: string,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> =>
  thing.kind === 'records'
    ? api.call('PUT', pathOf(thing), { json: { text }, headers })
    : api.call('PATCH', pathOf(thing), { json: { labels: { text } }, headers })

export interface View {
  readonly id: string
  readonly etag: string
  readonly body?: { readonly text?: string } | null
  readonly labels?: { readonly text?: string }
}

export const textOf = ({ kind }: Pick<Thing, 'kind'>, { body, labels }: View): string | undefined =>
  kind === 'records' ? body?.text : labels?.text

export const pathOf = ({ kind, id }: Thing): string =>
  kind === 'records' ? `${recordsPath}/${id}` : `/v1/assets/${id}`

export const sessionOf = ({ session }: Thing): Record<string, string> =>
  session === '' ? {} : { 'catamaran-session': session }

function remember(thing: Thing, { headers }: Answer, text: string | undefined): void {
  thing.text = text
  thing.session = headers.get('catamaran-session') ?? thing.session
}
