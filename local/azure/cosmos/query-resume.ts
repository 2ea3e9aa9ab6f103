import type { Json } from '../../../shared/domain/json.ts'
import type { SqlPiece } from './sql-translate.ts'

/** Where a page ended: the last document's sort values and its sequence number. */
export interface Position {
  readonly o: readonly Json[]
  readonly s: number
}

interface SortColumn {
  readonly sql: string
  readonly descending: boolean
}

/** SQLite sorts NULL first; strictly after `value` in the column's direction. */
function afterSql(column: SortColumn, value: string | number | null): SqlPiece {
  if (column.descending) {
    if (value === null) return { sql: '0', values: [] }
    return { sql: `(${column.sql} < ? OR ${column.sql} IS NULL)`, values: [value] }
  }
  if (value === null) return { sql: `${column.sql} IS NOT NULL`, values: [] }
  return { sql: `${column.sql} > ?`, values: [value] }
}

const equalSql = (column: SortColumn, value: string | number | null): SqlPiece =>
  value === null ? { sql: `${column.sql} IS NULL`, values: [] } : { sql: `${column.sql} = ?`, values: [value] }

/** The condition for everything after a position; with the sequence number as tie-breaker no document comes twice. */
export function resumeSql(columns: readonly SortColumn[], position: Position | undefined): SqlPiece | undefined {
  if (position === undefined) return undefined
  const backwards = columns[0]?.descending === true
  const all = [...columns, { sql: 'seq', descending: backwards }]
  const marks = [...position.o, position.s] as (string | number | null)[]
  const branches = all.map((column, at) => {
    const equal = all.slice(0, at).map((earlier, index) => equalSql(earlier, marks[index] ?? null))
    const last = column.sql === 'seq' && at === all.length - 1
    const after = last
      ? { sql: `seq ${backwards ? '<' : '>'} ?`, values: [position.s] }
      : afterSql(column, marks[at] ?? null)
    const pieces = [...equal, after]
    return {
      sql: `(${pieces.map((piece) => piece.sql).join(' AND ')})`,
      values: pieces.flatMap((piece) => piece.values),
    }
  })
  const sql = `(${branches.map((branch) => branch.sql).join(' OR ')})`
  const values = branches.flatMap((branch) => branch.values)
  const first = columns[0]
  const mark = marks[0]
  if (first === undefined || mark === null || mark === undefined || first.descending) return { sql, values }
  // Redundant, but lets SQLite start in the index instead of reading up to the position.
  return { sql: `${first.sql} >= ? AND ${sql}`, values: [mark, ...values] }
}
