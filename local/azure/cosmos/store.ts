import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import type { JsonObject } from '../../../shared/domain/json.ts'
import { badRequest, conflict, ownerNotFound } from './errors.ts'
import { indexStatements, type StoredPolicy } from './indexing.ts'
import type { PathStep } from './sql-ast.ts'

export interface Row {
  readonly seq: number
  readonly pk: string
  readonly id: string
  readonly body: string
  readonly etag: string
  readonly ts: number
  readonly lsn: number
}

export interface Container {
  readonly database: string
  readonly id: string
  readonly rid: string
  readonly table: string
  readonly partitionPaths: readonly (readonly PathStep[])[]
  readonly policy: StoredPolicy
  /** Seconds; -1: items expire only by their own ttl; undefined: nothing expires. */
  readonly defaultTtl: number | undefined
  readonly definition: JsonObject
  lsn: number
}

const nameBytesMax = 255
const statementsMax = 500

/** The databases and containers of one account, in one SQLite file. */
export class CosmosStore {
  readonly db: DatabaseSync
  readonly #containers = new Map<string, Container>()
  readonly #statements = new Map<string, StatementSync>()
  readonly #lsnBefore = new Map<Container, number>()

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true })
    this.db = new DatabaseSync(join(folder, 'cosmos.sqlite'))
    // With WAL and NORMAL a committed write is in the file system's hands: a killed process loses nothing.
    this.db.exec(
      'PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY',
    )
    this.db.exec(`CREATE TABLE IF NOT EXISTS databases (id TEXT PRIMARY KEY, rid TEXT NOT NULL, ts INTEGER NOT NULL);
      CREATE TABLE IF NOT EXISTS containers (database TEXT, id TEXT, rid TEXT NOT NULL, tab TEXT NOT NULL,
        definition TEXT NOT NULL, lsn INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (database, id))`)
    for (const row of this.all('SELECT * FROM containers')) {
      const definition = JSON.parse(String(row.definition)) as JsonObject
      this.#remember(String(row.database), String(row.rid), String(row.tab), definition, Number(row.lsn))
    }
  }

  close(): void {
    this.#statements.clear()
    this.db.close()
  }

  statement(sql: string): StatementSync {
    let found = this.#statements.get(sql)
    if (found === undefined) {
      if (this.#statements.size >= statementsMax) this.#statements.clear()
      found = this.db.prepare(sql)
      this.#statements.set(sql, found)
    }
    return found
  }

  all(sql: string, ...values: SQLInputValue[]): Record<string, unknown>[] {
    return this.statement(sql).all(...values) as Record<string, unknown>[]
  }

  get(sql: string, ...values: SQLInputValue[]): Record<string, unknown> | undefined {
    return this.statement(sql).get(...values) as Record<string, unknown> | undefined
  }

  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.statement(sql).run(...values).changes)
  }

  /** All of `work` or nothing. SQLite calls do not wait, so no other request comes between. */
  transaction<T>(work: () => T): T {
    this.db.exec('BEGIN IMMEDIATE')
    this.#lsnBefore.clear()
    try {
      const result = work()
      this.db.exec('COMMIT')
      return result
    } catch (error) {
      this.db.exec('ROLLBACK')
      // A number given out but not stored would come again after a restart, behind the readers of the feed.
      for (const [container, lsn] of this.#lsnBefore) container.lsn = lsn
      throw error
    }
  }

  #remember(database: string, rid: string, table: string, definition: JsonObject, lsn: number): Container {
    const partitionKey = definition.partitionKey as { paths: string[] }
    const container: Container = {
      database,
      id: idOf(definition),
      rid,
      table,
      partitionPaths: partitionKey.paths.map((path) => path.split('/').slice(1)),
      policy: (definition.indexingPolicy ?? {}) as StoredPolicy,
      defaultTtl: typeof definition.defaultTtl === 'number' ? definition.defaultTtl : undefined,
      definition,
      lsn,
    }
    this.#containers.set(`${database}/${container.id}`, container)
    return container
  }

  databases(): Record<string, unknown>[] {
    return this.all('SELECT * FROM databases ORDER BY id')
  }

  database(id: string): Record<string, unknown> | undefined {
    return this.get('SELECT * FROM databases WHERE id = ?', id)
  }

  createDatabase(id: string): Record<string, unknown> {
    checkName(id)
    if (this.database(id) !== undefined) throw conflict()
    const rid = `${randomBytes(4).toString('base64').slice(0, 6)}==`.replaceAll('/', '-')
    this.run('INSERT INTO databases VALUES (?, ?, ?)', id, rid, Math.floor(Date.now() / 1000))
    return { id, rid, ts: Math.floor(Date.now() / 1000) }
  }

  deleteDatabase(id: string): boolean {
    for (const container of this.containers(id)) this.deleteContainer(container)
    return this.run('DELETE FROM databases WHERE id = ?', id) > 0
  }

  containers(database: string): Container[] {
    return [...this.#containers.values()].filter((container) => container.database === database)
  }

  allContainers(): Container[] {
    return [...this.#containers.values()]
  }

  find(database: string, id: string): Container | undefined {
    return this.#containers.get(`${database}/${id}`)
  }

  createContainer(database: string, definition: JsonObject): Container {
    const id = idOf(definition)
    checkName(id)
    const owner = this.database(database)
    if (owner === undefined) throw ownerNotFound()
    if (this.find(database, id) !== undefined) throw conflict()
    const paths = (definition.partitionKey as { paths?: string[] } | undefined)?.paths ?? []
    if (paths.length === 0 || paths.some((path) => !path.startsWith('/') || path.length < 2)) {
      throw badRequest('The partition key definition is missing or names no path.')
    }
    const rid = String(owner.rid).slice(0, 4) + randomBytes(6).toString('base64').replaceAll('/', '-')
    const table = `docs_${randomBytes(6).toString('hex')}`
    return this.transaction(() => {
      this.db.exec(`CREATE TABLE ${table} (seq INTEGER PRIMARY KEY, pk TEXT NOT NULL, id TEXT NOT NULL,
          body TEXT NOT NULL, etag TEXT NOT NULL, ts INTEGER NOT NULL, lsn INTEGER NOT NULL, expires INTEGER);
        CREATE UNIQUE INDEX ${table}_key ON ${table} (pk, id);
        CREATE INDEX ${table}_lsn ON ${table} (lsn);
        CREATE INDEX ${table}_expires ON ${table} (expires) WHERE expires IS NOT NULL`)
      this.run('INSERT INTO containers VALUES (?, ?, ?, ?, ?, 0)', database, id, rid, table, JSON.stringify(definition))
      const container = this.#remember(database, rid, table, definition, 0)
      for (const sql of indexStatements(table, container.policy)) this.db.exec(sql)
      return container
    })
  }

  /** The indexing policy and the default TTL can change; the partition key cannot. */
  replaceContainer(old: Container, definition: JsonObject): Container {
    if (JSON.stringify(definition.partitionKey) !== JSON.stringify(old.definition.partitionKey)) {
      const before = JSON.stringify((old.definition.partitionKey as { paths?: string[] }).paths)
      const after = JSON.stringify((definition.partitionKey as { paths?: string[] } | undefined)?.paths)
      if (before !== after) throw badRequest('Document collection partition key cannot be changed.')
    }
    return this.transaction(() => {
      const { table } = old
      for (const { name } of this.all(
        "SELECT name FROM sqlite_schema WHERE tbl_name = ? AND name LIKE '%\\_x%' ESCAPE '\\'",
        table,
      )) {
        this.db.exec(`DROP INDEX "${String(name)}"`)
      }
      this.run('UPDATE containers SET definition = ? WHERE rid = ?', JSON.stringify(definition), old.rid)
      const container = this.#remember(old.database, old.rid, table, definition, old.lsn)
      for (const sql of indexStatements(table, container.policy)) this.db.exec(sql)
      const ttl = container.defaultTtl
      if (ttl !== old.defaultTtl) {
        this.db.exec(
          ttl === undefined
            ? `UPDATE ${table} SET expires = NULL`
            : `UPDATE ${table} SET expires = ts + NULLIF(COALESCE(json_extract(body,'$."ttl"'), ${ttl}), -1)`,
        )
      }
      return container
    })
  }

  deleteContainer(container: Container): void {
    this.transaction(() => {
      this.run('DELETE FROM containers WHERE rid = ?', container.rid)
      this.#statements.clear()
      this.db.exec(`DROP TABLE ${container.table}`)
    })
    this.#containers.delete(`${container.database}/${container.id}`)
  }

  /** The next log sequence number, kept with the container so that it never goes back. Call within a transaction. */
  nextLsn(container: Container): number {
    if (!this.#lsnBefore.has(container)) this.#lsnBefore.set(container, container.lsn)
    container.lsn += 1
    this.run('UPDATE containers SET lsn = ? WHERE rid = ?', container.lsn, container.rid)
    return container.lsn
  }

  /** Erases expired documents, at most `max` a container. Returns how many went. */
  sweep(max = 1000): number {
    const now = Math.floor(Date.now() / 1000)
    let count = 0
    for (const { table } of this.#containers.values()) {
      const sql = `DELETE FROM ${table} WHERE seq IN (SELECT seq FROM ${table} WHERE expires IS NOT NULL AND expires <= ? LIMIT ?)`
      count += this.run(sql, now, max)
    }
    return count
  }
}

const idOf = ({ id }: JsonObject): string => (typeof id === 'string' ? id : '')

function checkName(id: string): void {
  if (id === '' || Buffer.byteLength(id) > nameBytesMax || /[/\\?#]/u.test(id) || id.endsWith(' ')) {
    throw badRequest(`The name '${id.slice(0, 40)}' is empty, too long or holds one of / \\ ? #.`)
  }
}
