import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { CatamaranError } from '../domain/errors.ts'
import type { Json } from '../domain/json.ts'
import type { Analytics, AnalyticsResult, AnalyticsTable } from '../ports/analytics.ts'
import { startProcess } from '../process/bounded-process.ts'

const wallMsDefault = 15_000
/** The engine ends itself first; one that has not by then is killed. */
const killGraceMs = 2_000
const detailCharactersMax = 500

/** How the engine ends when it had to end itself. */
export const exitOutOfMemory = 3
export const exitOutOfTime = 4

/** The engine holds itself to less; these are for one that does not. */
const engineLimits = {
  memoryBytesMax: 1024 ** 3,
  fileBytesMax: 1024 ** 3,
  openFilesMax: 256,
  outputBytesMax: 64 * 1024 ** 2,
}
const threadsMax = 8

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
  let bytes = 0
  const counted = async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      bytes += chunk.byteLength
      // One chunk more than was announced is enough to know.
      if (bytes > table.bytes) return
      yield chunk
    }
  }
  await pipeline(await table.open(), counted, createWriteStream(path), { signal })
  if (bytes !== table.bytes) throw new CatamaranError('unavailable', `The store gave ${bytes} of ${table.bytes} bytes.`)
  return path
}

async function ask(
  program: string,
  request: EngineRequest,
  folder: string,
  signal: AbortSignal,
): Promise<AnalyticsResult> {
  const output: Buffer[] = []
  const wallMsMax = request.wallMsMax + killGraceMs
  const engine = startProcess([process.execPath, program], {
    folder,
    limits: { ...engineLimits, wallMsMax, cpuMsMax: wallMsMax * threadsMax },
    signal,
    onOutput: (chunk) => void output.push(chunk),
  })
  engine.stdin.end(JSON.stringify(request))
  const ending = await engine.ended
  const code = ending.kind === 'exit' ? ending.code : codes[ending.kind === 'over' ? ending.limit : 'killed']
  if (code === exitOutOfMemory) throw tooLarge('The query needs more memory than it gets.')
  if (code === exitOutOfTime)
    throw new CatamaranError('timed-out', `The query took longer than ${request.wallMsMax} ms.`)
  if (code !== 0) throw tooLarge('The query broke the engine.')
  const answer = JSON.parse(Buffer.concat(output).toString()) as EngineAnswer
  if (!answer.ok) throw new CatamaranError(answer.code, withoutPaths(answer.detail, folder))
  const { columns, rows, truncated } = answer
  return { columns, rows, truncated }
}

/** What it would have ended with by itself. */
const codes: Readonly<Record<string, number>> = { wall: exitOutOfTime, cpu: exitOutOfTime, memory: exitOutOfMemory }

const tooLarge = (detail: string): CatamaranError => new CatamaranError('too-large', detail)

const withoutPaths = (detail: string, folder: string): string =>
  detail.replaceAll(folder, '').slice(0, detailCharactersMax)
