import { withSystemProperties } from './documents.ts'
import { badRequest } from './errors.ts'
import type { Container, CosmosStore, Row } from './store.ts'

export interface FeedRequest {
  /** `*` for now, a continuation, or undefined for the beginning. */
  readonly ifNoneMatch: string | undefined
  /** An HTTP date, used when there is no continuation. */
  readonly ifModifiedSince: string | undefined
  readonly partition: string | undefined
  readonly itemsMax: number
}

export interface FeedPage {
  readonly documents: string[]
  /** The log sequence number up to which the reader has now read. */
  readonly lsn: number
}

const pageBytesMax = 4 * 1024 * 1024

/**
 * Latest-version mode: each document once, at its newest state, in the order of the log; no deletes. A page's end is
 * the log sequence number of its last document, or the end of the log when there is nothing more.
 */
export function readFeed(store: CosmosStore, container: Container, request: FeedRequest): FeedPage {
  const { ifNoneMatch, ifModifiedSince, partition } = request
  if (ifNoneMatch === '*') return { documents: [], lsn: container.lsn }
  let after = 0
  let since = 0
  if (ifNoneMatch !== undefined) {
    after = Number(ifNoneMatch.replaceAll('"', ''))
    if (!Number.isInteger(after) || after < 0) throw badRequest('The change feed continuation is not valid.')
  } else if (ifModifiedSince !== undefined) since = Math.floor(Date.parse(ifModifiedSince) / 1000) || 0
  const where = [
    'lsn > ?',
    'ts >= ?',
    '(expires IS NULL OR expires > ?)',
    ...(partition === undefined ? [] : ['pk = ?']),
  ]
  const sql = `SELECT seq, pk, id, body, etag, ts, lsn FROM ${container.table} WHERE ${where.join(' AND ')} ORDER BY lsn`
  const values = [after, since, Math.floor(Date.now() / 1000), ...(partition === undefined ? [] : [partition])]
  const documents: string[] = []
  let [lsn, bytes] = [after, 0]
  for (const raw of store.db.prepare(sql).iterate(...values)) {
    const row = raw as unknown as Row
    if (documents.length >= request.itemsMax || bytes > pageBytesMax) return { documents, lsn }
    documents.push(`${withSystemProperties(container, row).slice(0, -1)},"_lsn":${row.lsn}}`)
    lsn = row.lsn
    bytes += row.body.length
  }
  return { documents, lsn: container.lsn }
}
