import { randomUUID } from 'node:crypto'
import { joinSessions } from '../../client/session.ts'
import type { Ledger } from '../../local/drill/ledger.ts'
import type { Site } from '../../shared/domain/site.ts'
import type { Connection, Received } from './connection.ts'
import { sendPatiently } from './patience.ts'
import type { Step } from './schedule.ts'
import type { Call, Tally } from './tally.ts'
import type { Tenant } from './tenants.ts'

/** A user with what it remembers. */
export interface Person {
  /** No other user has it. */
  readonly name: string
  readonly site: Site
  readonly apiUrl: string
  readonly tenant: Tenant
  readonly collection: string
  readonly tally: Tally
  /** What was acknowledged. */
  readonly ledger: Pick<Ledger, 'created' | 'edited'>
  readonly api: Connection
  readonly edge: Connection
  readonly signal: AbortSignal
  /** How many records it has begun. */
  made: number
  session: string | undefined
  /** The record that it wrote last. */
  mine: { readonly id: string; readonly op: string; readonly etag: string; readonly count: number } | undefined
}

interface Asked {
  readonly method?: 'POST' | 'PUT'
  /** At the API. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
  /** Any other one is a failure. */
  readonly statuses: readonly number[]
  /** What is wrong with an answer of such a status. */
  readonly flawOf?: (received: Received) => string | undefined
}

interface RecordView {
  readonly id: string
  readonly body: { readonly count: number }
}

/** What a user does, as a call or two. What an earlier call should have brought and did not is left out. */
export const acts: Readonly<Record<Step, (person: Person) => Promise<void>>> = {
  list,
  create,
  read,
  edit,
  asset,
  image,
}

const note = 'x'.repeat(200)
const pageMax = 20

async function list(person: Person): Promise<void> {
  await ask(person, 'list', { path: `${recordsOf(person)}?limit=${pageMax}`, statuses: [200] })
}

async function create(person: Person): Promise<void> {
  const op = `${person.name}-${person.made++}`
  const [count, headers] = [0, { 'idempotency-key': randomUUID() }]
  person.mine = undefined
  const flawOf = (received: Received): string | undefined =>
    jsonOf<Partial<RecordView>>(received).id === undefined ? 'no id' : undefined
  const made = { method: 'POST', path: recordsOf(person), headers, json: { op, count, note } } as const
  const answer = await ask(person, 'create', { ...made, statuses: [200, 201], flawOf })
  if (answer === undefined) return
  const { id } = jsonOf<RecordView>(answer)
  person.mine = { id, op, etag: answer.headers.etag ?? '', count }
  person.ledger.created.set(op, id)
}

async function read(person: Person): Promise<void> {
  const { mine } = person
  if (mine === undefined) return
  const flawOf = (answer: Received): string | undefined =>
    jsonOf<RecordView>(answer).body.count < mine.count ? 'older than what the same user wrote' : undefined
  await ask(person, 'read', { path: `${recordsOf(person)}/${mine.id}`, statuses: [200], flawOf })
}

async function edit(person: Person): Promise<void> {
  const { mine } = person
  if (mine === undefined) return
  const { id, op, etag } = mine
  const [count, headers] = [mine.count + 1, { 'if-match': etag, 'idempotency-key': randomUUID() }]
  const edited = { method: 'PUT', path: `${recordsOf(person)}/${id}`, headers, json: { op, count, note } } as const
  const answer = await ask(person, 'edit', { ...edited, statuses: [200] })
  if (answer === undefined) return
  person.mine = { id, op, etag: answer.headers.etag ?? '', count }
  person.ledger.edited.set(id, count)
}

async function asset(person: Person): Promise<void> {
  await ask(person, 'asset', { path: `/v1/assets/${person.tenant.picture.asset}`, statuses: [200] })
}

/** The API says where it is, and the edge gives it out. */
async function image(person: Person): Promise<void> {
  const { asset: id, rendition, bytes } = person.tenant.picture
  const redirect = await ask(person, 'image', { path: `/v1/assets/${id}/renditions/${rendition}`, statuses: [307] })
  if (redirect === undefined) return
  const request = { method: 'GET', url: redirect.headers.location ?? '', headers: {} }
  await timed(person, 'bytes', async () => {
    const answer = await sendPatiently(person.edge, request, patienceOf(person))
    if (answer.status !== 200) return failed(answer)
    return answer.content.length === bytes ? answer : `${answer.content.length} of ${bytes} bytes`
  })
}

const recordsOf = ({ collection }: Person): string => `/v1/collections/${collection}/records`

const jsonOf = <Body>({ content }: Received): Body => JSON.parse(content.toString()) as Body

/** Undefined when it failed, which the tally then knows. */
function ask(person: Person, call: Step, asked: Asked): Promise<Received | undefined> {
  const { method = 'GET', path, headers, json, statuses, flawOf } = asked
  const request = {
    method,
    url: `${person.apiUrl}${path}`,
    headers: {
      authorization: `Bearer ${person.tenant.key}`,
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...(person.session === undefined ? {} : { 'catamaran-session': person.session }),
      ...headers,
    },
    ...(json === undefined ? {} : { content: JSON.stringify(json) }),
  }
  return timed(person, call, async () => {
    const answer = await sendPatiently(person.api, request, patienceOf(person))
    if (!statuses.includes(answer.status)) return failed(answer)
    const session = answer.headers['catamaran-session']
    person.session = joinSessions(person.session, typeof session === 'string' ? session : undefined)
    return flawOf?.(answer) ?? answer
  })
}

const failed = ({ status, content }: Received): string => `${status} ${content.toString().slice(0, 120)}`

const patienceOf = ({ tally, signal }: Person) => ({ onToldToWait: tally.noteToldToWait, signal })

/** Times an attempt that gives an answer, or says or throws what was wrong. */
async function timed(
  { tally, site }: Person,
  call: Call,
  attempt: () => Promise<Received | string>,
): Promise<Received | undefined> {
  const beganMs = performance.now()
  tally.underWay.rise()
  const found = await attempt().catch((error: unknown) => (error as Error).message)
  tally.underWay.fall()
  if (typeof found !== 'string') {
    tally.note({ call, site, beganMs })
    return found
  }
  tally.note({ call, site, beganMs, failure: `${call} at ${site}: ${found}` })
  return undefined
}
