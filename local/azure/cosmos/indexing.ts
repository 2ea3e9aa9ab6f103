import { createHash } from 'node:crypto'
import type { PathStep, SortKey } from './sql-ast.ts'
import { extractSql } from './sql-translate.ts'

/** What is used of a container's indexing policy. */
export interface StoredPolicy {
  readonly includedPaths?: readonly { readonly path: string }[]
  readonly compositeIndexes?: readonly (readonly { readonly path: string; readonly order?: string }[])[]
}

const stepsOf = (path: string): PathStep[] =>
  path
    .replace(/\/[?*]$/u, '')
    .split('/')
    .slice(1)
    .map((step) => step.replace(/^"(.*)"$/u, '$1'))

/**
 * SQLite indexes for the policy's composite indexes and its single included paths. The service indexes every path by
 * default; here only what is named costs nothing to find, and everything else is still found by reading.
 */
export function indexStatements(table: string, policy: StoredPolicy): string[] {
  const lists = (policy.compositeIndexes ?? []).map((index) =>
    index.map(({ path, order }) => {
      const sql = extractSql(stepsOf(path))
      return sql === undefined ? undefined : `${sql}${order === 'descending' ? ' DESC' : ''}`
    }),
  )
  for (const { path } of policy.includedPaths ?? []) {
    if (path.endsWith('/?') && !path.includes('[]')) lists.push([extractSql(stepsOf(path))])
  }
  return lists
    .filter((columns) => columns.length > 0 && columns.every((column) => column !== undefined))
    .map((columns) => {
      const name = `${table}_x${createHash('sha256').update(columns.join()).digest('hex').slice(0, 12)}`
      return `CREATE INDEX IF NOT EXISTS ${name} ON ${table} (${columns.join(', ')})`
    })
}

/** Sorting by several properties needs a composite index with these paths in this order, or all orders reversed. */
export function hasCompositeIndex(policy: StoredPolicy, keys: readonly SortKey[]): boolean {
  return (policy.compositeIndexes ?? []).some((index) => {
    if (index.length !== keys.length) return false
    const samePaths = index.every(({ path }, at) => stepsOf(path).join('/') === keys[at]?.path.join('/'))
    const flips = index.map(({ order }, at) => (order === 'descending') !== keys[at]?.descending)
    return samePaths && (flips.every((flip) => flip) || flips.every((flip) => !flip))
  })
}
