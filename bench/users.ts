import { setMaxListeners } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clouds, startClouds } from '../local/supervisor/clouds.ts'
import type { Site } from '../shared/domain/site.ts'
import { bench } from './bench.ts'
import { printFigure } from './figures.ts'
import { gather } from './users/crowd.ts'
import { readUsersOptions, type UsersOptions, usersOptions } from './users/options.ts'
import { figuresOf, type Outcome } from './users/report.ts'
import type { Run } from './users/runs.ts'
import type { Tally } from './users/tally.ts'
import { makeTenants, type Tenant } from './users/tenants.ts'
import { judgeAll } from './users/verdict.ts'

const portBase = 14_900
const tenantCount = 10
const shownMax = 10

const say = (line: string): void => void process.stderr.write(`${line}\n`)

export const usersBench = bench(
  `Users of both clouds on this machine, each with a connection of its own, who create, read and edit records, list them and look
  at pictures, with time to think in between: 2,000 at once, then 10,000 who come evenly and stay. Then what was acknowledged
  is held against what both sites hold. Takes about half an hour.`,
  usersOptions,
  (values) => measureUsers(readUsersOptions(values)),
)

/** A signal ends it early, with nothing left behind. */
async function measureUsers(options: UsersOptions): Promise<boolean> {
  const { signal } = untilSignalled()
  const folder = await mkdtemp(join(tmpdir(), 'catamaran-bench-'))
  let clouds: Clouds | undefined
  let met = true
  try {
    clouds = await startClouds({ dataFolder: join(folder, 'data'), portBase, scheduleScale: 1, signal })
    const tenants = await makeTenants(clouds, { count: tenantCount, folder, signal })
    for (const [name, run] of options.runs) {
      const outcome = await measure(clouds, { name, run, tenants, sites: options.sites, signal })
      for (const figure of figuresOf(name, run, outcome)) met = printFigure(figure) && met
      sayFailures(outcome)
    }
    return met
  } catch (error) {
    if (!signal.aborted) throw error
    say('Ended early.')
    return false
  } finally {
    await clouds?.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

function untilSignalled(): AbortController {
  const over = new AbortController()
  // Every user who thinks listens.
  setMaxListeners(0, over.signal)
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => over.abort(new Error(name)))
  return over
}

interface Order {
  readonly name: string
  readonly run: Run
  readonly tenants: readonly Tenant[]
  readonly sites: readonly Site[]
  readonly signal: AbortSignal
}

async function measure(clouds: Clouds, { name, run, ...rest }: Order): Promise<Outcome> {
  const { users, rampSeconds, seconds, thinkSeconds } = run
  say(`${name}: ${users} users in ${rampSeconds} s, then ${seconds} s …`)
  const options = { ...rest, collection: `users-${name}`, urls: clouds.urls }
  const crowd = await gather({
    ...options,
    users,
    rampMs: rampSeconds * 1000,
    holdMs: seconds * 1000,
    thinkMs: thinkSeconds * 1000,
    onProgress: progressSayer(),
  })
  const endedMs = performance.now()
  const verdict = await judgeAll(crowd, options)
  const writes = crowd.ledgers.reduce((sum, { created, edited }) => sum + created.size + edited.size, 0)
  return { tally: crowd.tally, writes, verdict, alikeMs: performance.now() - endedMs }
}

/** Says how it goes, and how much memory the users themselves take. */
function progressSayer(): (tally: Tally) => void {
  let [endedBefore, atMs] = [0, performance.now()]
  return ({ users, connections, ended, failed, toldToWait }) => {
    const perSecond = ((ended - endedBefore) * 1000) / (performance.now() - atMs)
    ;[endedBefore, atMs] = [ended, performance.now()]
    const load = `${users.now} users, ${connections.now} connections, ${perSecond.toFixed(1)} calls/s`
    const mib = (process.memoryUsage.rss() / 2 ** 20).toFixed(0)
    say(`  ${load}, ${failed} failed, ${toldToWait} told to come later, ${mib} MiB`)
  }
}

function sayFailures({ tally, verdict }: Outcome): void {
  const often = [...tally.failures].toSorted(([, a], [, b]) => b - a)
  for (const [what, times] of often.slice(0, shownMax)) say(`  failed ${times} times: ${what}`)
  for (const name of verdict.lost.slice(0, shownMax)) say(`  lost: ${name}`)
  for (const name of verdict.doubled.slice(0, shownMax)) say(`  doubled: ${name}`)
}
