import { markNames, type Mark } from './marks.ts'
import type { RunResult } from './run.ts'

const yearMs = 365 * 86_400_000

export interface Report {
  add(result: RunResult, tookMs: number): void
  progress(): string
  summary(): string
  /** What must happen in a large run and did not. */
  missingMarks(): readonly Mark[]
}

/** Counts what a run of many seeds did. */
export function makeReport(seeds: number): Report {
  const startMs = performance.now()
  const runsWith = new Map<Mark, number>()
  let [done, events, virtualMs] = [0, 0, 0]
  let slowest = { seed: 0, name: '', tookMs: 0 }
  const rate = (count: number): string => (count / ((performance.now() - startMs) / 1000)).toFixed(1)
  const progress = (): string => `${done} of ${seeds} seeds, ${rate(done)} seeds/s, ${rate(events)} events/s`
  return {
    add: (result, tookMs) => {
      done++
      events += result.events
      virtualMs += result.virtualMs
      if (tookMs > slowest.tookMs) slowest = { seed: result.seed, name: result.profile.name, tookMs }
      for (const [mark] of result.marks) runsWith.set(mark, (runsWith.get(mark) ?? 0) + 1)
    },
    progress,
    summary: () => {
      const rows = markNames.map((mark) => `  ${String(runsWith.get(mark) ?? 'NEVER').padStart(7)}  ${mark}`)
      const head = `${progress()}, ${(virtualMs / yearMs).toFixed(2)} virtual years`
      const slow = `the slowest was seed ${slowest.seed} (${slowest.name}): ${(slowest.tookMs / 1000).toFixed(1)} s`
      return [head, slow, 'marks by the runs they were seen in:', ...rows].join('\n')
    },
    missingMarks: () => markNames.filter((mark) => !runsWith.has(mark)),
  }
}
