import type { Finding } from '../finding.ts'
import { allowed } from '../parity/allowed.ts'
import { awsRows } from '../parity/aws-rows.ts'
import { azureRows } from '../parity/azure-rows.ts'
import { type Difference, differences } from '../parity/row.ts'
import type { Sources } from '../sources.ts'

/** What runs, when, of what, how often again, and what is kept for how long: the same on both clouds. */
export async function checkParity(sources: Sources): Promise<Finding[]> {
  const found = differences(awsRows(sources.path('serverless.yml')), await azureRows(sources))
  return [
    ...differenceFindings(found),
    ...(await runFindings(sources)),
    ...(await settingFindings(sources)),
    ...(await metricFindings(sources)),
  ]
}

function differenceFindings(found: readonly Difference[]): Finding[] {
  const isSame = (one: Difference) => (other: Difference) =>
    (['name', 'fact', 'aws', 'azure'] as const).every((key) => one[key] === other[key])
  const unwanted = found.filter((one) => !allowed.some(isSame(one)))
  const idle = allowed.filter((one) => !found.some(isSame(one)))
  return [
    ...unwanted.map(({ name, fact, aws, azure }) => ({
      file: 'serverless.yml, aws/infra, azure/handlers, host.json, azure/infra',
      rule: 'parity',
      problem: `${name}: ${fact} is ${aws} in AWS and ${azure} in Azure`,
      cure: 'make them the same, or say in infra/parity/allowed.ts why they cannot be',
    })),
    ...idle.map(({ name, fact, aws, azure }) => ({
      file: 'infra/parity/allowed.ts',
      rule: 'parity',
      problem: `${name}: ${fact} is not ${aws} in AWS and ${azure} in Azure`,
      cure: 'say how they differ, or take it out',
    })),
  ]
}

/** The job handler stops by itself before the host stops it. */
async function runFindings(sources: Sources): Promise<Finding[]> {
  const minutes = Number(/runMsMax = (\d+) \* 60_000/.exec(await sources.text('azure/handlers/job.ts'))?.[1])
  const host = JSON.parse(await sources.text('host.json')) as { functionTimeout: string }
  const [, hostMinutes] = /^00:(\d\d):00$/.exec(host.functionTimeout) ?? []
  if (minutes === Number(hostMinutes)) return []
  const problem = `a job may run ${minutes} minutes, the host lets it run ${host.functionTimeout}`
  return [
    { file: 'azure/handlers/job.ts', rule: 'parity', problem, cure: 'take runMsMax from functionTimeout in host.json' },
  ]
}

/** What both clouds' code reads under one name is set in AWS too; Azure's settings have a check of their own. */
async function settingFindings(sources: Sources): Promise<Finding[]> {
  const shared = [...(await sources.text('shared/adapters/environment.ts')).matchAll(/^ {2}([A-Z][A-Z_]+):/gm)].map(
    ([, name = '']) => name,
  )
  const set = await sources.text('aws/infra/environment.yml')
  const notSet = shared.filter(
    (name) =>
      !['ANALYTICS_PROGRAM', 'FFMPEG_PATH', 'FILM_PART_PIXELS', 'PATH'].includes(name) &&
      !new RegExp(`^${name}:`, 'm').test(set),
  )
  return notSet.map((name) => ({
    file: 'aws/infra/environment.yml',
    rule: 'parity',
    problem: `${name} is not set in AWS`,
    cure: 'set it: the code reads it',
  }))
}

/** An alarm on a figure that nobody sends would be silent in both clouds. */
async function metricFindings(sources: Sources): Promise<Finding[]> {
  const alarms = Object.values(
    JSON.parse(await sources.text('infra/alarms.json')) as Record<string, { metric: string; source: string }>,
  )
  const figures = await sources.text('shared/core/replication-metrics.ts')
  const counted = await sources.text('shared/core/conflict-record.ts')
  const unsent = alarms.filter(
    ({ metric, source }) =>
      source === 'catamaran' && !figures.includes(`  ${metric}: `) && !counted.includes(`'${metric}'`),
  )
  return unsent.map(({ metric }) => ({
    file: 'infra/alarms.json',
    rule: 'parity',
    problem: `nothing sends ${metric}`,
    cure: 'name a metric of shared/core',
  }))
}
