import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { streamToFile } from '../core/work-file.ts'
import { CatamaranError } from '../domain/errors.ts'
import type { Json } from '../domain/json.ts'
import type { Analytics, AnalyticsResult, AnalyticsTable } from '../ports/analytics.ts'

const wallMsDefault = 15_000
/** The engine ends itself first; one that has not by then is killed. */
const killGraceMs = 2_000
const detailCharactersMax = 500

/** How the engine ends when it had to end itself. */
export const exitOutOfMemory = 3
export const exitOutOfTime = 4

export interface EngineRequest {
  readonly sql: string
  readonly tables: readonly { readonly name: string; readonly path: string }[]
  readonly rowsMax: number
  readonly wallMsMax: number
}

export type EngineAnswer =
  | {
      readonly ok: true
      readonly columns: readonly { readonly name: string; readonly type: string }[]
      readonly rows: Json[][]
      readonly truncated: boolean
    }
  | { readonly ok: false; readonly code: 'invalid-request' | 'too-large'; readonly detail: string }

/** Runs every query in a process of its own, `program`, which has no environment and can be killed. */
export function analyticsProcess({
  program,
  wallMsMax = wallMsDefault,
}: {
  readonly program: string
  readonly wallMsMax?: number
}): Analytics {
  return {
    async query(query, signal) {
      const folder = await mkdtemp(join(tmpdir(), 'catamaran-query-'))
      try {
        const tables: EngineRequest['tables'][number][] = []
        for (const [index, table] of query.tables.entries()) {
          tables.push({ name: table.name, path: await kept(table, join(folder, `${index}.parquet`), signal) })
        }
        const { sql, rowsMax } = query
        return await ask(program, { sql, tables, rowsMax, wallMsMax }, folder, signal)
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    },
  }
}

async function kept(table: AnalyticsTable, path: string, signal: AbortSignal): Promise<string> {
  const { bytes } = await streamToFile(await table.open(), path, { bytesMax: table.bytes, signal })
  if (bytes !== table.bytes) throw new CatamaranError('unavailable', `The store gave ${bytes} of ${table.bytes} bytes.`)
  return path
}

async function ask(
  program: string,
  request: EngineRequest,
  folder: string,
  signal: AbortSignal,
): Promise<AnalyticsResult> {
  const child = spawn(process.execPath, [program], {
    cwd: folder,
    env: {},
    stdio: ['pipe', 'pipe', 'ignore'],
    signal: AbortSignal.any([signal, AbortSignal.timeout(request.wallMsMax + killGraceMs)]),
    killSignal: 'SIGKILL',
  })
  const ended = new Promise<number | null>((resolve) => {
    child.on('error', () => resolve(exitOutOfTime))
    child.on('close', (code) => resolve(code))
  })
  child.stdin.on('error', () => undefined)
  child.stdin.end(JSON.stringify(request))
  const [output, code] = await Promise.all([text(child.stdout).catch(() => ''), ended])
  signal.throwIfAborted()
  if (code === exitOutOfMemory) throw tooLarge('The query needs more memory than it gets.')
  if (code === exitOutOfTime)
    throw new CatamaranError('timed-out', `The query took longer than ${request.wallMsMax} ms.`)
  if (code !== 0) throw tooLarge('The query broke the engine.')
  const answer = JSON.parse(output) as EngineAnswer
  if (!answer.ok) throw new CatamaranError(answer.code, withoutPaths(answer.detail, folder))
  const { columns, rows, truncated } = answer
  return { columns, rows, truncated }
}

const tooLarge = (detail: string): CatamaranError => new CatamaranError('too-large', detail)

const withoutPaths = (detail: string, folder: string): string =>
  detail.replaceAll(folder, '').slice(0, detailCharactersMax)
