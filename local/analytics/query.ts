import { DuckDBInstance, type DuckDBConnection, type DuckDBPreparedStatement, StatementType } from '@duckdb/node-api'
import type { EngineAnswer, EngineRequest } from '../../shared/adapters/analytics-process.ts'

const memoryMiBMax = 256
const resultCharactersMax = 4 * 1024 ** 2

const settings = {
  memory_limit: `${memoryMiBMax}MB`,
  threads: '1',
  temp_directory: '',
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
  allow_community_extensions: 'false',
  allow_persistent_secrets: 'false',
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
const literal = (value: string): string => `'${value.replaceAll("'", "''")}'`

/**
 * Runs one query over Parquet files. It comes from a tenant, so all is closed before it is looked at: one thread, so much
 * memory, no file but the tables, no network, no extension, no setting.
 */
export async function runQuery({ sql, tables, rowsMax }: Omit<EngineRequest, 'wallMsMax'>): Promise<EngineAnswer> {
  const instance = await DuckDBInstance.create(':memory:', settings)
  const connection = await instance.connect()
  for (const { name, path } of tables) {
    await connection.run(`CREATE VIEW ${quoted(name)} AS SELECT * FROM read_parquet(${literal(path)})`)
  }
  await connection.run(`SET allowed_paths = [${tables.map(({ path }) => literal(path)).join(', ')}]`)
  await connection.run('SET enable_external_access = false')
  await connection.run('SET lock_configuration = true')
  try {
    return await answer(await prepared(connection, sql), rowsMax)
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    return { ok: false, code: /^Out of Memory/i.test(detail) ? 'too-large' : 'invalid-request', detail }
  }
}

async function prepared(connection: DuckDBConnection, sql: string): Promise<DuckDBPreparedStatement> {
  const statements = await connection.extractStatements(sql)
  if (statements.count !== 1) throw new Error('One statement is taken at a time.')
  const statement = await statements.prepare(0)
  if (statement.statementType !== StatementType.SELECT) throw new Error('Only SELECT is allowed.')
  return statement
}

async function answer(statement: DuckDBPreparedStatement, rowsMax: number): Promise<EngineAnswer> {
  const result = await statement.stream()
  const columns = result.columnNames().map((name, index) => ({ name, type: result.columnType(index).toString() }))
  const rows: EngineRows = []
  let characters = 0
  for await (const chunk of result.yieldRowsJson()) {
    for (const row of chunk) {
      characters += JSON.stringify(row).length
      if (rows.length >= rowsMax || characters > resultCharactersMax)
        return { ok: true, columns, rows, truncated: true }
      rows.push(row as EngineRows[number])
    }
  }
  return { ok: true, columns, rows, truncated: false }
}

type EngineRows = Extract<EngineAnswer, { ok: true }>['rows']
