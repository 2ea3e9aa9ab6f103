import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { judge, type Verdict } from '../../local/drill/promises.ts'
import { startReceiver } from '../../local/drill/receiver.ts'
import type { Thing } from '../../local/drill/things.ts'
import { toldTwice } from '../../local/drill/told.ts'
import { apiOf } from '../../local/tour/api.ts'
import { type Site, sites } from '../../shared/domain/site.ts'
import { type ScriptedSite, scriptedSite } from '../client/scripted-site.ts'

interface Item {
  readonly id: string
  readonly etag: string
  readonly body: { readonly text: string }
}

interface Conflict {
  readonly collection: string
  readonly recordId: string
  readonly body: { readonly text: string }
}

const record = (id: string, text: string, etag = `"${text}"`): Item => ({ id, etag, body: { text } })
const conflict = (recordId: string, text: string): Conflict => ({ collection: 'restored', recordId, body: { text } })

/** What the drill may hold against the sites: a record that is there, a deleted one, one that was written over unseen. */
const things: readonly Thing[] = (
  [
    { id: 'live', text: 'newest' },
    { id: 'deleted', text: undefined },
    { id: 'overwritten', text: 'late', overwritten: 'early' },
  ] as const
).map((each) => ({ kind: 'records', home: 'aws', story: { born: 'before' }, name: each.id, session: '', ...each }))

const promised = {
  records: [record('live', 'newest'), record('overwritten', 'late')],
  conflicts: [conflict('overwritten', 'early')],
}
const none: Verdict = { lost: [], risen: [], doubled: [], invented: [], unlike: [] }

let scripted: Readonly<Record<Site, ScriptedSite>>
beforeEach(async () => {
  scripted = { aws: await scriptedSite(), azure: await scriptedSite() }
})
afterEach(() => Promise.all(sites.map((site) => scripted[site].stop())))

/** The verdict when aws holds what was promised but for this, and azure all of it. */
async function judged(atAws: Partial<typeof promised>): Promise<Verdict> {
  const held = { aws: { ...promised, ...atAws }, azure: promised }
  for (const site of sites) {
    const { records, conflicts } = held[site]
    scripted[site].act = ({ path }) => {
      const items = path.startsWith('/v1/conflicts') ? conflicts : path.startsWith('/v1/assets') ? [] : records
      return { status: 200, headers: { 'content-type': 'application/json' }, json: { items, next: null } }
    }
  }
  const api = (site: Site) => apiOf(site, scripted[site].url, 'key')
  return judge({ apis: { aws: api('aws'), azure: api('azure') }, things })
}

const [live, overwritten] = promised.records as [Item, Item]

test.each([
  ['nothing, when all is as promised', {}, {}],
  [
    'an acknowledged write that is gone',
    { records: [overwritten] },
    { lost: ['live at aws'], unlike: ['records/live'] },
  ],
  [
    'one in whose place an earlier one is',
    { records: [record('live', 'older'), overwritten] },
    { lost: ['live at aws'], unlike: ['records/live'] },
  ],
  ['one that was written over unseen, and is not listed', { conflicts: [] }, { lost: ['early at aws'] }],
  [
    'one for which another text is listed',
    { conflicts: [conflict('overwritten', 'older')] },
    { lost: ['early at aws'] },
  ],
  [
    'a deleted record that is there again',
    { records: [live, overwritten, record('deleted', 'x')] },
    { risen: ['deleted at aws'], unlike: ['records/deleted'] },
  ],
  [
    'a record that nobody made',
    { records: [live, overwritten, record('twin', 'x')] },
    { doubled: ['records/twin at aws'], unlike: ['records/twin'] },
  ],
  [
    'a conflict that nobody caused',
    { conflicts: [...promised.conflicts, conflict('live', 'x')] },
    { invented: ['restored/live at aws'] },
  ],
  [
    'another version of the same text',
    { records: [record('live', 'newest', '"other"'), overwritten] },
    { unlike: ['records/live'] },
  ],
])('the drill of a restore names %s', async (_, atAws, wrong) => {
  expect(await judged(atAws)).toEqual({ ...none, ...wrong })
})

test('what one endpoint was told twice is named, and not what two were told, or was told anew', async () => {
  await using receiver = await startReceiver()
  const tell = (site: Site, message: string): Promise<Response> => {
    const body = JSON.stringify({ type: 'asset.ready', data: { id: 'a' } })
    return fetch(`${receiver.url}/${site}`, { method: 'POST', body, headers: { 'webhook-id': message } })
  }
  await tell('aws', 'msg_1')
  await tell('azure', 'msg_1')
  await tell('aws', 'msg_2')
  expect(toldTwice(receiver)).toEqual([])
  await tell('aws', 'msg_1')
  expect(toldTwice(receiver)).toEqual(['/hook/aws asset.ready a msg_1'])
})
