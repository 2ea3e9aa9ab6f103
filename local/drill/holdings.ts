import { type Site, sites } from '../../shared/domain/site.ts'
import type { Api } from '../tour/api.ts'
import { until, type UntilOptions } from '../tour/until.ts'
import type { Ledger } from './ledger.ts'
import { listAll } from './pages.ts'

type Apis = Readonly<Record<Site, Api>>

interface RecordView {
  readonly id: string
  readonly etag: string
  readonly recordId?: string
  readonly body: Readonly<Record<string, unknown>> | null
}

/** What both sites hold of some collections, once they hold the same. */
export interface Holdings {
  readonly records: readonly RecordView[]
  /** What lost a conflict and is listed. */
  readonly conflicts: readonly RecordView[]
}

export interface Verdict {
  /** Acknowledged, and in neither a record nor a conflict. */
  readonly lost: readonly string[]
  /** Done once by the client, and in two records. */
  readonly doubled: readonly string[]
  readonly conflicts: number
}

/** Waits until both sites list the same versions of everything in the collections. Throws when they do not come to it. */
export async function untilAlike(
  apis: Apis,
  collections: readonly string[],
  options: Pick<UntilOptions, 'timeoutMs' | 'everyMs' | 'signal'>,
): Promise<Holdings> {
  let seen: unknown
  const alike = async (): Promise<Holdings | undefined> => {
    const [aws, azure] = await Promise.all(sites.map((site) => holdingsOf(apis[site], collections)))
    seen = { aws: countsOf(aws), azure: countsOf(azure) }
    return aws && JSON.stringify(aws) === JSON.stringify(azure) ? aws : undefined
  }
  return until('both sites alike', alike, { everyMs: 250, ...options, seen: () => seen })
}

const countsOf = (holdings: Holdings | undefined): number[] =>
  Object.values(holdings ?? {}).map((list: readonly RecordView[]) => list.length)

async function holdingsOf(api: Api, collections: readonly string[]): Promise<Holdings> {
  const listEach = async (pathOf: (collection: string) => string): Promise<RecordView[]> =>
    (await Promise.all(collections.map((collection) => viewsOf(api, pathOf(collection))))).flat()
  const [records, conflicts] = await Promise.all([
    listEach((collection) => `/v1/collections/${collection}/records?limit=1000`),
    listEach((collection) => `/v1/conflicts?limit=1000&collection=${collection}`),
  ])
  return { records, conflicts: conflicts.sort((a, b) => (a.id < b.id ? -1 : 1)) }
}

async function viewsOf(api: Api, path: string): Promise<RecordView[]> {
  const items = await listAll<RecordView>(api, path)
  return items.map(({ id, etag, recordId, body }) => ({ id, etag, ...(recordId ? { recordId } : {}), body }))
}

/** Holds what the sites have against what they promised. */
export function judge(ledger: Pick<Ledger, 'created' | 'edited'>, { records, conflicts }: Holdings): Verdict {
  const holders = new Map<string, string[]>()
  for (const { id, body } of records) {
    const op = body?.['op']
    if (typeof op === 'string') holders.set(op, [...(holders.get(op) ?? []), id])
  }
  const lostCreates = [...ledger.created].filter(([op, id]) => !holders.get(op)?.includes(id)).map(([op]) => op)
  const furthest = new Map<string, number>()
  for (const { id, recordId = id, body } of [...records, ...conflicts]) {
    furthest.set(recordId, Math.max(furthest.get(recordId) ?? 0, Number(body?.['count'] ?? 0)))
  }
  const lostEdits = [...ledger.edited].filter(([id, count]) => (furthest.get(id) ?? 0) < count).map(([id]) => id)
  const doubled = [...holders].filter(([, ids]) => ids.length > 1).map(([op]) => op)
  return { lost: [...lostCreates, ...lostEdits], doubled, conflicts: conflicts.length }
}
