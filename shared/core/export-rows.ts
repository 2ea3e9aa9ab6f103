import type { AssetBody, MediaBody } from '../domain/asset.ts'
import type { ExportKind } from '../domain/export.ts'
import { canonicalJson, type JsonObject } from '../domain/json.ts'
import type { RecordKey, RecordState } from '../domain/record.ts'
import { stampMs, stampSite } from '../domain/stamp.ts'
import { arrivalCursor, arrivalShardCount } from '../ports/record-store.ts'
import { chunksOf } from './chunks.ts'
import { recordVersions } from './record-history.ts'
import type { Services } from './services.ts'

const pageItems = 100
const readAtOnce = 25
/** Clocks of sites differ, and a stamp may be ahead of its arrival. */
const marginMs = 600_000
/** The index of arrivals lags; what moved in it while it was read is looked for once more. */
const settleMs = 900

export interface Period {
  readonly beginMs: number
  readonly endMs: number
}

interface Row {
  /** No two rows have the same, and in its order they are written. */
  readonly key: string
  readonly row: JsonObject
}

/** How far the reading is: all before it was read. */
export type ExportPosition = {
  /** What arrived since the period began, then what moved in the index since the reading did, then nothing. */
  pass: number
  shard: number
  after: string | null
  /** When the reading began. */
  begunMs: number
}

type ExportStep =
  | ({ readonly kind: 'row' } & Row)
  /** Every row before this position has been given out. */
  | { readonly kind: 'reached'; readonly position: ExportPosition }

/** Whether the states of a collection belong to an export of this kind: what users keep, or what became of assets. */
const belongs = (kind: ExportKind, collection: string): boolean =>
  kind === 'events' ? collection === 'assets' || collection === '_media' : !/^(_|assets$)/.test(collection)

/**
 * What a tenant's records went through in a period, as this site knows it, in no order and some of it twice, from a position on.
 * The cost follows what has arrived since the period began.
 */
export async function* exportRows(
  services: Services,
  tenant: string,
  reading: {
    readonly kind: ExportKind
    readonly period: Period
    readonly from?: ExportPosition | undefined
    readonly signal: AbortSignal
  },
): AsyncGenerator<ExportStep> {
  const { kind, period, signal } = reading
  const start = { pass: 0, shard: 0, after: null, begunMs: services.clock.now() }
  let position = reading.from ?? start
  for (; position.pass < passes; position = next(position)) {
    const { pass, shard, begunMs } = position
    if (pass > 0 && shard === 0) await services.clock.sleep(settleMs, signal)
    let after = position.after ?? arrivalCursor(Math.max(0, (pass > 0 ? begunMs : period.beginMs) - marginMs))
    for (let isMore = true; isMore; ) {
      signal.throwIfAborted()
      const page = await services.records.arrivals(tenant, shard, { after, limit: pageItems })
      const wanted = page.items.filter(({ key }) => belongs(kind, key.collection))
      for (const chunk of chunksOf(wanted, readAtOnce)) {
        const pasts = await Promise.all(chunk.map(({ key }) => statesUntil(services, key, period.endMs)))
        for (const states of pasts) for (const row of rowsOf(kind, states, period)) yield { kind: 'row', ...row }
      }
      isMore = page.next !== undefined
      after = page.next ?? after
      yield { kind: 'reached', position: isMore ? { ...position, after } : next(position) }
    }
  }
}

const passes = 2

const next = ({ pass, shard, begunMs }: ExportPosition): ExportPosition =>
  shard + 1 < arrivalShardCount
    ? { pass, shard: shard + 1, after: null, begunMs }
    : { pass: pass + 1, shard: 0, after: null, begunMs }

function* rowsOf(kind: ExportKind, states: readonly RecordState[], period: Period): Generator<Row> {
  for (const [index, state] of states.entries()) {
    const ms = stampMs(state.stamp)
    if (ms < period.beginMs || ms >= period.endMs) continue
    if (kind === 'records') yield recordRow(state)
    else yield* eventRow(state, states.slice(0, index))
  }
}

/** What a record was, up to the period's end, oldest first. */
async function statesUntil(services: Services, key: RecordKey, endMs: number): Promise<RecordState[]> {
  const states: RecordState[] = []
  let after: string | undefined
  do {
    const page = await recordVersions(services, key, { after, limit: pageItems })
    states.push(...page.items.filter(({ stamp }) => stampMs(stamp) < endMs))
    after = page.next
  } while (after !== undefined)
  return states.reverse()
}

const timeOf = (ms: number): string => new Date(ms).toISOString()

function recordRow({ key, stamp, createdMs, deleted, body }: RecordState): Row {
  const { collection, id } = key
  const row = {
    collection,
    id,
    stamp,
    written_at: timeOf(stampMs(stamp)),
    created_at: timeOf(createdMs),
    site: stampSite(stamp),
    deleted,
    body: body === null ? null : canonicalJson(body),
  }
  return { key: `${collection}/${id}/${stamp}`, row }
}

function* eventRow(state: RecordState, before: readonly RecordState[]): Generator<Row> {
  const { key, stamp } = state
  const told = key.collection === 'assets' ? assetEvent(state, before) : mediaEvent(state, before)
  if (!told) return
  const row = { asset: key.id, stamp, at: timeOf(stampMs(stamp)), site: stampSite(stamp), ...told }
  yield { key: `${stamp}/${key.collection}/${key.id}`, row }
}

function assetEvent({ deleted, body }: RecordState, before: readonly RecordState[]): JsonObject {
  const last = before.at(-1)
  if (deleted) return { event: 'deleted' }
  const { name, mediaType, bytes = null, sha256 = null, labels } = body as AssetBody
  const event = last === undefined ? 'created' : last.deleted ? 'restored' : 'updated'
  return { event, name, media_type: mediaType, bytes, sha256, labels: canonicalJson(labels) }
}

/** One event for each version's way, however often the same was written. */
function mediaEvent({ body }: RecordState, before: readonly RecordState[]): JsonObject | undefined {
  const media = body as MediaBody | null
  if (!media || media.status === 'processing') return undefined
  const same = (state: RecordState): boolean => {
    const past = state.body as MediaBody | null
    return past?.status === media.status && past.version === media.version
  }
  if (before.some(same)) return undefined
  const { status, mediaType = null, kind = null, bytes = null, sha256 = null, error } = media
  return { event: status, media_type: mediaType, kind, bytes, sha256, error: error?.code ?? null }
}
