/**
 * `node scripts/azure-canary.ts WORKSPACE SINCE`: asks Log Analytics each minute how the version that runs at Azure since then
 * (ISO 8601) answered, and ends with 1 as soon as it has to go, by `infra/canary.json`, as the canary decides it at AWS. Asks for
 * as long as lines take to arrive after the last minute that is judged; a version of which nothing was seen by then has to go
 * too. `--every MS` for tests. Signed in by `az`.
 */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs, promisify } from 'node:util'
import { type Canary, type CanaryPeriod, type CanaryQuery, ringing } from '../infra/canary.ts'

interface Answer {
  readonly tables: readonly [
    { readonly columns: readonly { readonly name: string }[]; readonly rows: readonly (readonly unknown[])[] },
  ]
}

const service = 'https://api.loganalytics.io'
const run = promisify(execFile)
const json = async <T>(path: string): Promise<T> =>
  JSON.parse(await readFile(new URL(path, import.meta.url), 'utf8')) as T

/** Throws when the service does not answer. */
async function periodsOf(workspace: string, query: string): Promise<CanaryPeriod[]> {
  const url = `${service}/v1/workspaces/${workspace}/query`
  const body = JSON.stringify({ query })
  const { stdout } = await run('az', ['rest', '--method', 'post', '--url', url, '--resource', service, '--body', body])
  const [{ columns, rows }] = (JSON.parse(stdout) as Answer).tables
  return rows.map((row) => {
    const { of, calls, failed, p99Ms } = Object.fromEntries(columns.map(({ name }, index) => [name, row[index]]))
    return { of: of as CanaryPeriod['of'], calls: Number(calls), failed: Number(failed), p99Ms: Number(p99Ms) }
  })
}

/** Why the version has to go; undefined when it may stay. */
async function watch(workspace: string, since: string, everyMs: number): Promise<string | undefined> {
  const canary = await json<Canary>('../infra/canary.json')
  const { latenessSeconds, query } = await json<CanaryQuery>('../azure/infra/canary-query.json')
  const { periodSeconds, evaluationPeriods } = canary
  const judgedSeconds = periodSeconds * evaluationPeriods
  const asked = query
    .replaceAll('SINCE', since)
    .replaceAll('SPAN', String(judgedSeconds))
    .replaceAll('PERIOD', String(periodSeconds))
  let seen = 0
  for (let left = Math.ceil((judgedSeconds + latenessSeconds) / periodSeconds); left > 0; left--) {
    await sleep(everyMs)
    const periods = await periodsOf(workspace, asked).catch((error: unknown) => {
      console.error(`No answer this time: ${(error as Error).message}`)
      return []
    })
    seen = Math.max(seen, periods.filter(({ of }) => of === 'api').length)
    const names = ringing(canary, periods)
    if (names.length > 0) return `${names.join(', ')}: ${JSON.stringify(periods)}`
  }
  return seen > 0 ? undefined : 'nothing was seen of it'
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { every: { type: 'string', default: '60000' } },
})
const [workspace, since] = positionals
if (workspace === undefined || since === undefined || Number.isNaN(Date.parse(since)))
  throw new Error('node scripts/azure-canary.ts WORKSPACE SINCE')
const reason = await watch(workspace, since, Number(values.every))
console.log(reason === undefined ? 'The new version may stay.' : `The new version has to go: ${reason}`)
process.exitCode = reason === undefined ? 0 : 1
