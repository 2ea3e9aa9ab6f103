/** `npm run traces -- TRACE`: what both sites logged of one trace, as a tree. Without a trace: the newest ones. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readTraceLines } from './traces/read.ts'
import { newestTraces, treeLines } from './traces/tree.ts'

const helpText = `npm run traces -- [TRACE] [options]

  TRACE        32 hex characters, or a whole traceparent; absent: the newest traces, one a line
  --data DIR   where "npm start" keeps everything (.data)
  --json       the log lines themselves, in the order of time`

const options = {
  data: { type: 'string', default: '.data' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

const print = (line: string): void => void process.stdout.write(`${line}\n`)

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true })
  if (values.help || positionals.length > 1) {
    print(helpText)
    return values.help ? 0 : 2
  }
  const folder = join(values.data, 'logs')
  const files = (await readdir(folder)).filter((name) => name.endsWith('.log')).map((name) => join(folder, name))
  const [asked] = positionals
  if (asked === undefined) {
    for (const line of newestTraces(await readTraceLines(files))) print(line)
    return 0
  }
  const trace = /[0-9a-f]{32}/.exec(asked)?.[0]
  if (trace === undefined) throw new Error(`${asked} is no trace: 32 hex characters`)
  const lines = await readTraceLines(files, trace)
  for (const line of values.json ? lines.map(({ text }) => text) : treeLines(lines)) print(line)
  return lines.length > 0 ? 0 : 1
}

try {
  process.exitCode = await run(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 2
}
