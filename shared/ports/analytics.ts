import type { Json } from '../domain/json.ts'

export interface AnalyticsTable {
  /** By which the query knows it. */
  readonly name: string
  /** A Parquet file. */
  readonly bytes: number
  open(): Promise<ReadableStream<Uint8Array>>
}

export interface AnalyticsQuery {
  /** One SELECT. It sees the tables and nothing else: no file, no network, no setting. */
  readonly sql: string
  readonly tables: readonly AnalyticsTable[]
  readonly rowsMax: number
}

export interface AnalyticsResult {
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  /** Whole numbers beyond 2^53, decimals and times are text. */
  readonly rows: readonly (readonly Json[])[]
  /** There would have been more. */
  readonly truncated: boolean
}

/**
 * Runs SQL over Parquet files; hostile SQL is the normal case. Throws `invalid-request` for SQL that is wrong or not allowed,
 * `too-large` when it needs more memory than it gets, `timed-out` when it takes too long.
 */
export interface Analytics {
  query(query: AnalyticsQuery, signal: AbortSignal): Promise<AnalyticsResult>
}
