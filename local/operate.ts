/** `npm run operate -- verify`: whole-site operations and the state of replication, with the development key. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { isSite } from '../shared/domain/site.ts'
import { portBaseDefault, urlsFrom } from './supervisor/addresses.ts'
import { type Api, apiOf } from './tour/api.ts'

const helpText = `npm run operate -- COMMAND [options]

  backfill | verify | repair   begin one, and print what it says of itself
  status                       how replication stands at a site
  operations                   those that ran

  --dry-run        say what would be done, and change nothing
  --deep           read the bytes of every object
  --follow         print its progress until it ends; exit code 1 when it fails or finds something
  --site NAME      aws (default) or azure
  --data DIR       where "npm start" keeps everything (.data)
  --port-base N    as given to "npm start" (${portBaseDefault})`

interface OperationView {
  readonly state: string
  readonly found: Readonly<Record<string, number>>
  readonly examples: readonly { readonly what: string; readonly detail: string }[]
  readonly summary: readonly string[]
  readonly progress: { phase: string; fraction: number; secondsLeft?: number; waitingFor?: string }
}

const options = {
  'dry-run': { type: 'boolean', default: false },
  deep: { type: 'boolean', default: false },
  follow: { type: 'boolean', default: false },
  site: { type: 'string', default: 'aws' },
  data: { type: 'string', default: '.data' },
  'port-base': { type: 'string', default: String(portBaseDefault) },
  help: { type: 'boolean', short: 'h', default: false },
} as const

const everyMs = 1_000
const print = (line: string): void => void process.stdout.write(`${line}\n`)

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
  const [command] = positionals
  if (values.help || command === undefined || positionals.length > 1) {
    print(helpText)
    return values.help ? 0 : 2
  }
  if (!isSite(values.site)) throw new Error(`--site is aws or azure, not ${values.site}`)
  const url = urlsFrom(Number(values['port-base']))[values.site].api
  const api = apiOf(values.site, url, await developmentKey(values.data))
  switch (command) {
    case 'status':
      return show(await api.get('/v1/replication'))
    case 'operations':
      return show(await api.get('/v1/replication/operations'))
    case 'backfill':
    case 'verify':
    case 'repair': {
      const json = { dryRun: values['dry-run'], deep: values.deep }
      const begun = await api.call<OperationView>('POST', `/v1/replication/${command}`, { json, status: 202 })
      const location = begun.headers.get('location') ?? ''
      print(`${url}${location}`)
      return values.follow ? follow(api, location) : 0
    }
    default:
      throw new Error(`There is no command ${command}; --help lists them`)
  }
}

async function follow(api: Api, location: string): Promise<number> {
  for (let last = ''; ; await sleep(everyMs)) {
    const operation = await api.get<OperationView>(location)
    const { phase, fraction, secondsLeft, waitingFor } = operation.progress
    const left = secondsLeft === undefined ? '' : `, about ${secondsLeft} s left`
    const line = `${(fraction * 100).toFixed(0).padStart(3)} %  ${phase}${left}${waitingFor ? `: ${waitingFor}` : ''}`
    if (line !== last) print(line)
    last = line
    if (operation.state === 'running') continue
    for (const sentence of operation.summary) print(sentence)
    for (const { what, detail } of operation.examples) print(`  ${what}: ${detail}`)
    return operation.state === 'done' && Object.keys(operation.found).length === 0 ? 0 : 1
  }
}

function show(value: unknown): number {
  print(JSON.stringify(value, null, 2))
  return 0
}

async function developmentKey(dataFolder: string): Promise<string> {
  const path = join(dataFolder, 'aws', 'development-keys.json')
  const text = await readFile(path, 'utf8').catch(() => {
    throw new Error(`There is no development key in ${path}: "npm start" makes it`)
  })
  // Made for the tenant of the tour.
  return (JSON.parse(text) as { readonly demo?: string }).demo ?? ''
}

try {
  process.exitCode = await run(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 2
}
