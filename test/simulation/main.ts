import { rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import type { Code } from './code.ts'
import { keepInCorpus } from './corpus.ts'
import { loadOlder, unpackOlder } from './older.ts'
import { showPlanted } from './planted.ts'
import type { ProfileOverride } from './profile.ts'
import { makeReport } from './report.ts'
import { simulate, type RunResult } from './run.ts'
import { shrink } from './shrink.ts'
import { runAll, type Order, type Worker } from './workers.ts'

const help = `npm run simulate -- [options]

  --seed S [--trace]          one run, the same every time; --trace prints all that happened
  --override JSON             with --seed: what to change of the profile, as the corpus keeps it
  --seeds N [--from F]        many runs, over all cores, one in a hundred twice; F is drawn by lot when it is not given
  --older COMMIT              with --seed or --seeds: one site runs the code of that commit, and is upgraded on the way
  --marks                     with --seeds: fails when something that must happen never did; from 20,000 seeds on by itself
  --workers W                 with --seeds: how many processes
  --planted [--bug TEXT]      plants one bug after another and shows which check catches it, within --seeds N (1000)
  --help`

const options = {
  seed: { type: 'string' },
  trace: { type: 'boolean' },
  override: { type: 'string' },
  seeds: { type: 'string' },
  from: { type: 'string' },
  older: { type: 'string' },
  marks: { type: 'boolean' },
  workers: { type: 'string' },
  planted: { type: 'boolean' },
  bug: { type: 'string' },
  help: { type: 'boolean' },
} as const

const failuresMax = 5
/** A run of so many seeds must have seen every mark. */
const marksSeedsMin = 20_000

const { values } = parseArgs({ options })
const workers = Number(values.workers ?? availableParallelism())
const olderFolder = values.older === undefined ? undefined : unpackOlder(values.older)
try {
  // What it lacks is told once, and not by every run.
  const older = olderFolder === undefined ? undefined : await loadOlder(olderFolder)
  process.exitCode = await main(older)
} finally {
  if (olderFolder !== undefined) rmSync(olderFolder, { recursive: true })
}

async function main(older: Code | undefined): Promise<number> {
  if (values.help) return say(help)
  if (values.seed !== undefined) return replay(Number(values.seed), older)
  if (values.planted) {
    return showPlanted({
      workers,
      from: numberOf(values.from),
      seedsMax: numberOf(values.seeds),
      bug: values.bug,
      say,
    })
  }
  const from = Number(values.from ?? Math.floor(Math.random() * 2 ** 31))
  return runMany(from, Number(values.seeds ?? 100))
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text)
}

function say(text: string): 0 {
  process.stdout.write(`${text}\n`)
  return 0
}

async function replay(seed: number, older: Code | undefined): Promise<number> {
  const override = JSON.parse(values.override ?? '{}') as ProfileOverride
  const result = await simulate(seed, { override, older, ...(values.trace ? { trace: say } : {}) })
  const { profile, digest, events, virtualMs, marks, broken } = result
  say(`seed ${seed}  digest ${digest}  ${events} events  ${(virtualMs / 3_600_000).toFixed(2)} virtual hours`)
  say(`profile ${JSON.stringify(profile)}`)
  say(`marks ${marks.map(([mark, count]) => `${mark} (${count})`).join(', ') || 'none'}`)
  say(broken.length > 0 ? `BROKEN\n  ${broken.join('\n  ')}` : 'every invariant holds')
  return broken.length > 0 ? 1 : 0
}

async function runMany(from: number, seeds: number): Promise<number> {
  say(`Seeds ${from} to ${from + seeds - 1} over ${workers} processes`)
  const report = makeReport(seeds)
  const timer = setInterval(() => say(report.progress()), 10_000)
  let failures = 0
  await runAll(
    ordersOf(from, seeds),
    workers,
    async (result, { worker, tookMs }) => {
      report.add(result, tookMs)
      if (result.broken.length > 0) {
        failures++
        await explain(result, worker)
      }
      return failures < failuresMax
    },
    olderFolder,
  )
  clearInterval(timer)
  say(report.summary())
  say(failures > 0 ? `${failures} FAILED` : 'every invariant held in every run')
  const missing = values.marks || (seeds >= marksSeedsMin && !values.older) ? report.missingMarks() : []
  if (missing.length > 0) say(`never seen, and so not tried: ${missing.join(', ')}`)
  return failures > 0 || missing.length > 0 ? 1 : 0
}

function* ordersOf(from: number, seeds: number): Generator<Order> {
  for (let seed = from; seed < from + seeds; seed++) yield { seed }
}

/** Prints a failure, makes it small, and keeps it. */
async function explain(failed: RunResult, worker: Worker): Promise<void> {
  say(`seed ${failed.seed} (${failed.profile.name}) BROKEN\n  ${failed.broken.slice(0, 5).join('\n  ')}`)
  if (values.older !== undefined) return void say(`  npm run simulate -- --seed ${failed.seed} --older ${values.older}`)
  if (failed.events === 0) return void say(`  npm run simulate -- --seed ${failed.seed}`)
  const override = await shrink(failed, worker)
  keepInCorpus({ seed: failed.seed, override, found: failed.broken[0] ?? '' })
  say(`  kept in the corpus: npm run simulate -- --seed ${failed.seed} --override '${JSON.stringify(override)}'`)
}
