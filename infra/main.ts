/** `npm run check:infra`: what deploys to both clouds, checked without a network, an account or Docker. */
import { parseArgs } from 'node:util'
import { build } from '../scripts/build.ts'
import { checks } from './checks/all.ts'
import { lineOf } from './finding.ts'
import { findingsOf, plant } from './mutate.ts'
import { allMutations } from './mutations/all.ts'
import type { Mutation } from './mutations/mutation.ts'
import { repository, sourcesIn } from './sources.ts'

const help = `npm run check:infra [-- --mutations | -- --only TEXT]

Packages serverless.yml offline and checks what would be deployed to both clouds. Each finding is a line: file, rule,
what is wrong, what to do. Exits with 1 when there is any.

  --mutations  plants mistakes into copies of the templates and reports how many the checks catch
  --only TEXT  plants those alone whose name holds TEXT, and does nothing else
  --help       this text
`

const plantedAtOnce = 2
const seconds = (sinceMs: number): string => `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`
const say = (line: string): void => void process.stdout.write(`${line}\n`)

async function checkAll(): Promise<number> {
  const startedMs = performance.now()
  await build()
  const sources = sourcesIn(repository)
  let found = 0
  try {
    for (const check of checks) {
      const fromMs = performance.now()
      const findings = await findingsOf(check, sources)
      found += findings.length
      say(`${findings.length === 0 ? 'ok  ' : 'FAIL'} ${check.name.padEnd(16)} ${check.says} (${seconds(fromMs)})`)
      for (const finding of findings) say(`     ${lineOf(finding)}`)
    }
  } finally {
    await sources.close()
  }
  say(`${checks.length} checks, ${found} findings, ${seconds(startedMs)}`)
  return found
}

async function plantAll(mutations: readonly Mutation[]): Promise<number> {
  const startedMs = performance.now()
  let caught = 0
  for (const cloud of ['aws', 'azure']) {
    // What the checks say of a copy as it is would be counted as caught, too.
    const [mutation] = mutations.filter((one) => one.cloud === cloud)
    const said = mutation ? (await plant({ ...mutation, replace: mutation.find }, checks)).findings : []
    for (const finding of said) say(`${cloud.padEnd(5)} without a mistake: ${lineOf(finding)}`)
    if (said.length > 0) return said.length
  }
  // Two at once: one is packaged in a process of its own while the other is looked at here.
  for (let first = 0; first < mutations.length; first += plantedAtOnce) {
    const group = mutations.slice(first, first + plantedAtOnce)
    const outcomes = await Promise.all(group.map((mutation) => plant(mutation, checks)))
    for (const { mutation, findings } of outcomes) {
      if (findings.length > 0) caught++
      const rules = [...new Set(findings.map(({ rule }) => rule))].join(', ')
      say(`${mutation.cloud.padEnd(5)} ${mutation.name.padEnd(56)} ${rules || 'NOT CAUGHT'}`)
    }
  }
  say(`${caught} of ${mutations.length} planted mistakes caught, ${seconds(startedMs)}`)
  return mutations.length - caught
}

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', default: false },
    mutations: { type: 'boolean', default: false },
    only: { type: 'string' },
  },
})
const { only } = values
const mutations = allMutations.filter(({ name }) => name.includes(only ?? ''))
if (values.help) {
  say(help)
} else if (only !== undefined) {
  process.exitCode = mutations.length === 0 || (await plantAll(mutations)) > 0 ? 1 : 0
} else {
  // What is found when nothing was planted would be counted as caught.
  const found = await checkAll()
  process.exitCode = found > 0 || (values.mutations && (await plantAll(mutations)) > 0) ? 1 : 0
}
