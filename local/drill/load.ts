import { setTimeout as sleep } from 'node:timers/promises'
import type { Answer, CallOptions, FailoverClient } from '../../client/failover.ts'
import type { Call, Ledger } from './ledger.ts'

export interface LoadOptions {
  /** One client a worker. */
  readonly clients: readonly FailoverClient[]
  /** Names that no other load uses. */
  readonly run: string
  readonly pauseMs: number
  readonly ledger: Ledger
}

export const createsOf = (run: string): string => `drill-${run}`
export const editsOf = (run: string): string => `drill-edits-${run}`

interface Worker {
  readonly name: string
  readonly client: FailoverClient
  readonly options: LoadOptions
  ops: number
  /** The record that this worker alone edits, as it was last answered. */
  mine: { readonly etag: string; readonly count: number; readonly version: string } | undefined
}

/**
 * Every worker creates records, edits a record of its own and reads both, one call after the other, until stopped. Creations
 * ask for no more than the site that answers; edits ask that both sites hold them, and are sent again with the same key
 * when they do not, since the next edit builds on them.
 */
export function startLoad(options: LoadOptions): { readonly stop: () => Promise<void> } {
  let stopped = false
  const work = async (client: FailoverClient, index: number): Promise<void> => {
    const worker: Worker = { name: `w${index}`, client, options, ops: 0, mine: undefined }
    while (!stopped) {
      await create(worker)
      await sleep(options.pauseMs)
      await edit(worker)
      await sleep(options.pauseMs)
      await readBack(worker)
      await sleep(options.pauseMs)
    }
  }
  const working = options.clients.map(work)
  return {
    stop: async () => {
      stopped = true
      await Promise.all(working)
    },
  }
}

async function create(worker: Worker): Promise<void> {
  const { options, name } = worker
  const op = `${name}-${worker.ops++}`
  const answer = await timed(worker, 'create', 'POST', `/v1/collections/${createsOf(options.run)}/records`, {
    json: { op, text: 'x'.repeat(100) },
  })
  const known = answer && bodyOf(answer)
  if (answer && answer.status <= 201 && known) options.ledger.created.set(op, String(known['id']))
}

const confirmTriesMax = 3

async function edit(worker: Worker): Promise<void> {
  const { options, mine, name } = worker
  const path = pathOfMine(worker)
  const count = (mine?.count ?? 0) + 1
  const headers = {
    ...(mine ? { 'if-match': mine.etag } : { 'if-none-match': '*' }),
    'idempotency-key': crypto.randomUUID(),
    prefer: 'durability=both',
  }
  for (let attempt = 0; attempt < confirmTriesMax; attempt++) {
    const answer = await timed(worker, 'edit', 'PUT', path, { json: { count }, headers })
    if (!answer) return
    if (answer.status === 412) {
      options.ledger.refusedEdits++
      return readBack(worker)
    }
    if (answer.status > 201) return
    worker.mine = { etag: answer.headers.get('etag') ?? '', count, version: versionOf(answer) }
    options.ledger.edited.set(name, count)
    if (answer.headers.get('preference-applied') === 'durability=both') return
  }
}

/** Reads the worker's own record and one that was created before. */
async function readBack(worker: Worker): Promise<void> {
  const { options, mine, name } = worker
  const { ledger, run } = options
  const own = await timed(worker, 'read', 'GET', pathOfMine(worker), {})
  if (own) {
    const count = Number((bodyOf(own)?.['body'] as { count?: number } | undefined)?.count ?? 0)
    const version = versionOf(own)
    // A late twin of an edit that was given up may have won over later ones: a newer version, and a smaller count.
    judgeRead(ledger, own, version >= (mine?.version ?? ''))
    if (own.status === 200) worker.mine = { etag: own.headers.get('etag') ?? '', count, version }
  }
  const op = `${name}-${Math.floor(Math.random() * worker.ops)}`
  const id = ledger.created.get(op)
  if (id === undefined) return
  const earlier = await timed(worker, 'read', 'GET', `/v1/collections/${createsOf(run)}/records/${id}`, {})
  if (earlier) judgeRead(ledger, earlier, earlier.status === 200)
}

function judgeRead(ledger: Ledger, answer: Answer, isFresh: boolean): void {
  if (isFresh) return
  if (answer.sessionKept) ledger.backwards++
  else ledger.olderReads++
}

/** Versions are stamps, which sort as text. */
function versionOf(answer: Answer): string {
  const version = bodyOf(answer)?.['version']
  return typeof version === 'string' ? version : ''
}

const pathOfMine = ({ options, name }: Worker): string => `/v1/collections/${editsOf(options.run)}/records/${name}`

/** What a worker may be answered; anything else has failed. */
const expected = { create: [200, 201], edit: [200, 201, 412], read: [200, 404] } as const

async function timed(
  { client, options }: Worker,
  what: Call['what'],
  method: string,
  path: string,
  call: CallOptions,
): Promise<Answer | undefined> {
  const beganMs = performance.now()
  const note = (tries: Call['tries'], failure?: string): void =>
    void options.ledger.calls.push({
      what,
      beganMs,
      tookMs: performance.now() - beganMs,
      tries,
      ...(failure === undefined ? {} : { failure }),
    })
  try {
    const answer = await client.call(method, path, call)
    const isFine = (expected[what] as readonly number[]).includes(answer.status)
    note(answer.tries, isFine ? undefined : `${method} ${path}: ${answer.status} ${answer.text.slice(0, 200)}`)
    return isFine ? answer : undefined
  } catch (error) {
    const { message, tries = [] } = error as Error & { tries?: Call['tries'] }
    note(tries, message)
    return undefined
  }
}

function bodyOf(answer: Answer): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(answer.text) as Record<string, unknown>
  } catch {
    return undefined
  }
}
