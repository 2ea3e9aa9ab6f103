import { type Site, sites } from '../../shared/domain/site.ts'
import { type Api, Unexpected } from './api.ts'
import type { Progress } from './progress.ts'
import { until } from './until.ts'

export type Apis = Readonly<Record<Site, Api>>

interface RecordView {
  readonly id: string
  readonly etag: string
  readonly deleted: boolean
  readonly body: Readonly<Record<string, unknown>> | null
}

interface ConflictView {
  readonly id: string
  readonly recordId: string
  readonly body: Readonly<Record<string, unknown>> | null
}

const records = '/v1/collections/tour/records'
/** One side may be so quick that the other has seen its write; then nothing conflicts, and it is tried again. */
const conflictTriesMax = 8

/** A small set of JSON records, written at AWS in one batch; resolves when Azure shows each the same. */
export async function writeRecords(apis: Apis, progress: Progress): Promise<void> {
  const lines = Array.from({ length: 20 }, (_, index) => ({
    op: 'put',
    id: `order-${String(index + 1).padStart(3, '0')}`,
    body: { customer: `customer ${(index * 7) % 5}`, cents: 1_250 + index * 375, paid: index % 3 === 0 },
  }))
  const { body } = await apis.aws.call<string>('POST', '/v1/collections/tour/batch', {
    content: lines.map((line) => JSON.stringify(line)).join('\n'),
    headers: { 'content-type': 'application/x-ndjson' },
    status: 200,
  })
  const statuses = body
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { status: number }).status)
  if (statuses.length !== lines.length || statuses.some((status) => status > 201)) {
    throw new Unexpected('a batch of records at aws', `${lines.length} lines with 200 or 201`, statuses.join(' '))
  }
  const ids = lines.map((line) => line.id)
  await untilEqual(apis, ids)
  progress.say(`${ids.length} JSON records written at aws are the same at azure`)
}

/** The same record edited at both sides at once: one edit wins at both, the other is kept. */
export async function showConflict(apis: Apis, run: string, progress: Progress): Promise<void> {
  for (let attempt = 1; attempt <= conflictTriesMax; attempt++) {
    const id = `both-${run}-${attempt}`
    const path = `${records}/${id}`
    const made = await create(apis.aws, id, { text: 'as it was' })
    await untilEqual(apis, [id])
    const headers = { 'if-match': made.etag }
    const edits = await Promise.all(
      sites.map((site) =>
        apis[site].call('PUT', path, { json: { text: `edited at ${site}` }, headers, status: [200, 412] }),
      ),
    )
    if (edits.some(({ status }) => status === 412)) continue
    await untilEqual(apis, [id])
    const winner = (await apis.aws.get<RecordView>(path)).body?.['text']
    const lost = await Promise.all(sites.map((site) => untilConflict(apis[site], id)))
    if (lost[0]?.id !== lost[1]?.id || lost[0]?.body?.['text'] === winner) {
      throw new Unexpected('the conflict', 'the same lost edit at both sites', JSON.stringify({ winner, lost }))
    }
    progress.say(
      `both sides edited ${id} at once: "${winner}" won at both, "${lost[0]?.body?.['text']}" is kept in /v1/conflicts`,
    )
    return
  }
  throw new Unexpected('two edits at once', 'a conflict', `none in ${conflictTriesMax} tries`)
}

const untilConflict = (api: Api, recordId: string): Promise<ConflictView> =>
  until(
    `the conflict of ${recordId} listed at ${api.site}`,
    async () => {
      const { items } = await api.get<{ items: ConflictView[] }>('/v1/conflicts?limit=1000')
      return items.find((each) => each.recordId === recordId)
    },
    { signal: api.signal },
  )

/** Deleted at AWS, gone at Azure; the tombstone is the same at both. */
export async function showDelete(apis: Apis, run: string, progress: Progress): Promise<void> {
  const id = `gone-${run}`
  const { etag } = await create(apis.aws, id, { text: 'soon gone' })
  await untilEqual(apis, [id])
  await apis.aws.call('DELETE', `${records}/${id}`, { headers: { 'if-match': etag }, status: 204 })
  const gone = async (): Promise<boolean> => {
    const { status } = await apis.azure.call('GET', `${records}/${id}`, { status: [200, 404] })
    return status === 404
  }
  await until(`${id} gone at azure`, gone, { signal: apis.azure.signal })
  progress.say(`${id} was deleted at aws and is gone at azure`)
}

export async function create(api: Api, id: string, body: object): Promise<RecordView> {
  const headers = { 'if-none-match': '*' }
  return (await api.call<RecordView>('PUT', `${records}/${id}`, { json: body, headers, status: 201 })).body
}

/** Resolves when both sites show the same version of every record. */
export async function untilEqual(apis: Apis, ids: readonly string[], timeoutMs = 30_000): Promise<void> {
  let seen: unknown
  const read = async (api: Api, id: string): Promise<string> => {
    const { status, body } = await api.call<RecordView>('GET', `${records}/${id}`, { status: [200, 404] })
    return status === 404 ? 'absent' : body.etag
  }
  const equal = async (): Promise<boolean> => {
    for (const id of ids) {
      const [aws, azure] = await Promise.all([read(apis.aws, id), read(apis.azure, id)])
      seen = { id, aws, azure }
      if (aws !== azure || aws === 'absent') return false
    }
    return true
  }
  const options = { timeoutMs, everyMs: 100, seen: () => seen, signal: apis.aws.signal }
  await until(`${ids.length} records the same at both sites`, equal, options)
}
