import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { repository } from '../../infra/sources.ts'

type Row = readonly [of: 'api' | 'functions', minute: string, calls: number | string, failed: number, p99Ms: number]

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'catamaran-canary-'))
  // The cloud's program, which cannot answer here: it notes what it was asked, and gives one answer after the other.
  const program = `#!${process.execPath}
const { appendFileSync, readFileSync } = require('node:fs')
const answers = JSON.parse(readFileSync(__dirname + '/answers.json', 'utf8'))
appendFileSync(__dirname + '/asked.jsonl', JSON.stringify(process.argv.slice(2)) + '\\n')
const times = readFileSync(__dirname + '/asked.jsonl', 'utf8').trim().split('\\n').length
const rows = answers[Math.min(times, answers.length) - 1]
if (rows === null) process.exit(1)
const columns = ['of', 'minute', 'calls', 'failed', 'p99Ms'].map((name) => ({ name }))
console.log(JSON.stringify({ tables: [{ columns, rows }] }))
`
  await writeFile(join(folder, 'az'), program, { mode: 0o755 })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function watched(answers: readonly (readonly Row[] | null)[]) {
  await writeFile(join(folder, 'answers.json'), JSON.stringify(answers))
  await writeFile(join(folder, 'asked.jsonl'), '')
  const script = join(repository, 'scripts/azure-canary.ts')
  const env = { ...process.env, NODE_OPTIONS: '', PATH: `${folder}${delimiter}${process.env.PATH}` }
  const said = await new Promise<{ stays: boolean; text: string }>((resolve) => {
    const args = ['--disable-warning=ExperimentalWarning', script, 'w-1', '2026-01-01T00:00:00Z', '--every', '1']
    execFile(process.execPath, args, { env }, (error, stdout) => resolve({ stays: error === null, text: stdout }))
  })
  const asked = (await readFile(join(folder, 'asked.jsonl'), 'utf8')).trim().split('\n')
  return { ...said, times: asked.length, asked: JSON.parse(asked[0] ?? '[]') as string[] }
}

const minutes = (count: number, rest: readonly [calls: number, failed: number, p99Ms: number], of: Row[0] = 'api') =>
  Array.from({ length: count }, (_, index): Row => [of, `2026-01-01T00:0${index}:00Z`, ...rest])

test('a version that does well is looked at until the last line has come', async () => {
  const { stays, times, asked } = await watched([minutes(10, [500, 5, 900])])
  expect({ stays, times }).toEqual({ stays: true, times: 15 })
  expect(asked.join(' ')).toContain('https://api.loganalytics.io/v1/workspaces/w-1/query')
  const { query } = JSON.parse(asked.at(-1) ?? '') as { query: string }
  expect(query).toContain('between (datetime(2026-01-01T00:00:00Z) .. 1s * 600)')
  expect(query).not.toMatch(/SINCE|SPAN|PERIOD/)
}, 60_000)

test('one that fails, is slow, or whose functions fail goes at once, after as many minutes as the list says', async () => {
  const bad: readonly (readonly [string, readonly Row[]])[] = [
    ['canary-errors', minutes(3, [500, 6, 900])],
    ['canary-latency', minutes(3, [500, 0, 3001])],
    ['canary-functions', minutes(3, [20, 2, 900], 'functions')],
  ]
  for (const [name, rows] of bad) {
    const { stays, times, text } = await watched([rows.slice(0, 2), rows])
    expect({ name, stays, times }).toEqual({ name, stays: false, times: 2 })
    expect(text).toContain(`has to go: ${name}:`)
  }
}, 60_000)

test('what few calls show is not enough, and the service may be silent once', async () => {
  const few = [...minutes(5, [4, 4, 900]), ...minutes(5, [19, 0, 9000]), ...minutes(5, [4, 4, 900], 'functions')]
  expect(await watched([null, few])).toMatchObject({ stays: true, times: 15 })
}, 60_000)

test('one of which nothing is ever seen goes as well', async () => {
  expect(await watched([minutes(10, [50, 0, 1], 'functions')])).toMatchObject({ stays: false, times: 15 })
  expect(await watched([null])).toMatchObject({ stays: false, times: 15 })
}, 60_000)
