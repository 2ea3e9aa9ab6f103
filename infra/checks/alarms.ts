import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Alarm, readAlarms } from '../alarms.ts'
import type { Finding } from '../finding.ts'
import { repository, type Sources } from '../sources.ts'

const file = 'infra/alarms.json'

/** What no deployment may be without, by the metric that it watches. */
const needed: Readonly<Record<string, string>> = {
  replicationLagP99Ms: 'lag',
  feedAgeMs: 'the feed',
  deadLettersWaiting: 'dead letters',
  queueDeadLetters: "the queue's dead letters",
  dropDeadLetters: "drops' dead letters",
  oldestMessageSeconds: 'the oldest message',
  functionErrorsPercent: 'errors of functions',
  functionThrottles: 'throttling',
  apiLatencyP99Ms: 'latency',
  apiErrorsPercent: 'errors of the API',
  breakerFrozen: 'the breaker',
  conflicts: 'conflicts',
}

/** That the alarms make sense, whichever cloud reads them. */
export async function checkAlarms(sources: Sources): Promise<Finding[]> {
  const alarms = Object.entries(await readAlarms(sources))
  const names = await sentMetrics()
  const findings = await Promise.all(alarms.map(([name, alarm]) => faultsOf(name, alarm, names)))
  const watched = new Set(alarms.map(([, { metric }]) => metric))
  const missing = Object.entries(needed).filter(([metric]) => !watched.has(metric))
  const feedAge = alarms.find(([, { metric }]) => metric === 'feedAgeMs')?.[1].threshold ?? 0
  return [
    ...findings.flat(),
    ...missing.map(([metric, what]) => finding('alarm-missing', `nothing watches ${what}`, `add ${metric}`)),
    ...(feedAge > sixHoursMs
      ? [finding('alarm-feed', 'the feed is noticed after 6 hours', 'the stream forgets after 24: warn at 6')]
      : []),
  ]
}

const sixHoursMs = 6 * 3_600_000

const finding = (rule: string, problem: string, cure: string): Finding => ({
  file,
  rule: `alarms/${rule}`,
  problem,
  cure,
})

/** The names of metrics in the code, read from it: a figure that is renamed would leave its alarm silent. */
export async function sentMetrics(): Promise<ReadonlySet<string>> {
  const text = await readFile(join(repository, 'shared/core/replication-metrics.ts'), 'utf8')
  return new Set([...text.matchAll(/^ {2}(\w+): \(/gm)].map(([, name = '']) => name).concat('conflicts'))
}

async function faultsOf(name: string, alarm: Alarm, sent: ReadonlySet<string>): Promise<Finding[]> {
  const [path = '', anchor = ''] = alarm.runbook.split('#')
  const runbook = existsSync(join(repository, path)) ? await readFile(join(repository, path), 'utf8') : ''
  return [
    ...(alarm.source === 'catamaran' && !sent.has(alarm.metric)
      ? [finding('alarm-metric', `${name}: no metric is called ${alarm.metric}`, 'see replication-metrics.ts')]
      : []),
    ...(runbook.split('\n').includes(`## ${anchor}`)
      ? []
      : [finding('alarm-runbook', `${name}: ${alarm.runbook} is not there`, 'write what to do')]),
    ...(alarm.why.length < 40 ? [finding('alarm-why', `${name} does not say why`, 'explain the threshold')] : []),
    ...(alarm.datapointsToAlarm > alarm.evaluationPeriods || alarm.datapointsToAlarm < 2
      ? [finding('alarm-noise', `${name} is raised by one point, or never`, 'ask for 2 to all of its periods')]
      : []),
  ]
}
