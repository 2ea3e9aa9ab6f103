import { resourcesOf } from '../bicep/deployments.ts'
import { distinct, missing, onResource, unmet } from '../bicep/rule.ts'
import { at, isList, type Resource, textOf } from '../bicep/value.ts'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'

interface Alarm {
  readonly metric: string
  readonly source: 'catamaran' | 'platform'
  readonly comparison: string
  readonly statistic: string
  readonly missing: 'breaching' | 'notBreaching'
  readonly threshold: number
  readonly periodSeconds: number
  readonly evaluationPeriods: number
  readonly datapointsToAlarm: number
  readonly severity: 'page' | 'ticket'
  readonly runbook: string
}

const rules = 'Microsoft.Insights/scheduledQueryRules'
const metricAlerts = 'Microsoft.Insights/metricAlerts'
const severities = { page: 1, ticket: 3 }
const operators: Readonly<Record<string, string>> = {
  GreaterThanOrEqualToThreshold: '>=',
  GreaterThanThreshold: '>',
  LessThanOrEqualToThreshold: '<=',
  LessThanThreshold: '<',
}
const aggregations: Readonly<Record<string, string>> = {
  Average: 'avg(value)',
  Maximum: 'max(value)',
  Minimum: 'min(value)',
  p99: 'percentile(value, 99)',
  SampleCount: 'count()',
  Sum: 'sum(value)',
}
const windowSeconds: Readonly<Record<string, number>> = { PT5M: 300, PT15M: 900, PT1H: 3600, PT6H: 21_600 }
/** How long a log line may take to arrive. */
const latenessSecondsMin = 180

/** Every alarm of infra/alarms.json is raised in Azure as well, with the same figures; somebody is told; costs are watched. */
export async function checkBicepAlarms(sources: Sources): Promise<Finding[]> {
  const alarms = Object.entries(JSON.parse(await sources.text('infra/alarms.json')) as Record<string, Alarm>)
  const deployed = await resourcesOf(sources, rules, metricAlerts)
  const runbooks = await sources.text('docs/runbooks.md')
  const findings = alarms.flatMap(([name, alarm]) => {
    const found = deployed.filter(
      (resource) =>
        resource.name.endsWith(`-${name}`) &&
        !alarms.some(([other]) => other !== name && other.endsWith(`-${name}`) && resource.name.endsWith(`-${other}`)),
    )
    if (found.length === 0)
      return [missing('alarm', `the alarm ${name} is not raised`, 'deploy one for each entry of infra/alarms.json')]
    return found.flatMap((resource) =>
      resource.type === rules ? queryFindings(resource, alarm) : metricFindings(resource, alarm),
    )
  })
  const [groups, budgets] = ['Microsoft.Insights/actionGroups', 'Microsoft.Consumption/budgets']
  const told = [
    { type: groups, path: 'properties.enabled', is: true, rule: 'alarm', cure: 'enable the group that alarms go to' },
    {
      type: groups,
      path: 'properties.emailReceivers',
      is: (value: unknown) => isList(value as never) && (value as unknown[]).length > 0,
      rule: 'alarm',
      cure: 'name somebody who is told',
    },
    { type: budgets, path: 'properties.timeGrain', is: 'Monthly', rule: 'budget', cure: 'watch the costs of a month' },
    {
      type: budgets,
      path: 'properties.notifications.full.enabled',
      is: true,
      rule: 'budget',
      cure: 'tell somebody before the budget is spent',
    },
  ]
  const headings = new Set([...runbooks.matchAll(/^## (.+)$/gm)].map(([, title]) => title))
  const lost = alarms
    .filter(([, { runbook }]) => !headings.has(runbook.split('#')[1] ?? ''))
    .map(([name, { runbook }]) => missing('alarm', `${name} names ${runbook}, which is not there`, 'write it'))
  return distinct([...findings, ...lost, ...unmet(told, await resourcesOf(sources, groups, budgets))])
}

function common(resource: Resource, alarm: Alarm): string[] {
  const said: string[] = []
  if (resource.at('properties', 'enabled') !== true) said.push('is not enabled')
  if (resource.at('properties', 'severity') !== severities[alarm.severity])
    said.push(`has not the severity of a ${alarm.severity}`)
  if (!textOf(resource.at('properties', 'description') ?? '').includes(alarm.runbook))
    said.push('does not name its runbook')
  return said
}

const all = (resource: Resource, said: readonly string[]): Finding[] =>
  said.map((problem) => onResource(resource, 'alarm', problem, 'take every figure from infra/alarms.json'))

function queryFindings(resource: Resource, alarm: Alarm): Finding[] {
  const said = common(resource, alarm)
  const criteria = resource.at('properties', 'criteria', 'allOf')
  const criterion = isList(criteria) ? criteria[0] : undefined
  const query = textOf(at(criterion, 'query') ?? '')
  const span = alarm.periodSeconds * alarm.evaluationPeriods
  const aggregation = aggregations[alarm.statistic] ?? '?'
  const compared = `${operators[alarm.comparison] ?? '?'} ${alarm.threshold}`
  const ending = /now\(-\d+s\)/.exec(query)?.[0] ?? ''
  const judged =
    alarm.missing === 'breaching'
      ? `| summarize value = count() | project breaching = iff(value ${compared}, ${alarm.datapointsToAlarm}, 0)`
      : `| summarize value = ${aggregation} by bin_at(TimeGenerated, 1s * ${alarm.periodSeconds}, ${ending}) | where value ${compared} | summarize breaching = count()`
  const wanted = [
    `| where TimeGenerated between (${ending} - 1s * ${span} .. ${ending}) ${judged}`,
    ...(alarm.source === 'catamaran' ? [`"metric.name":"${alarm.metric}"`] : []),
  ]
  for (const text of wanted) if (!query.includes(text)) said.push(`does not ask for ${text}`)
  const left = /\b(METRIC|SPAN|PERIOD|ENDING|AGGREGATED|COMPARED|NEEDED)\b/.exec(query)?.[0]
  if (left) said.push(`asks for ${left}, which is a placeholder`)
  if (!/^App\w+ \|/.test(query)) said.push('asks no table')
  if (at(criterion, 'operator') !== 'GreaterThanOrEqual') said.push('is not raised at the number of its periods')
  if (at(criterion, 'threshold') !== alarm.datapointsToAlarm) said.push('is not raised after as many periods')
  const window = windowSeconds[textOf(resource.at('properties', 'windowSize') ?? '')] ?? 0
  if (window < span + latenessSecondsMin) said.push('looks at less time than its periods take, and lines to arrive')
  const lateness = Number(/now\(-(\d+)s\)/.exec(query)?.[1] ?? 0)
  if (lateness < latenessSecondsMin) said.push('looks at lines that have not arrived yet')
  const groups = resource.at('properties', 'actions', 'actionGroups')
  if (!isList(groups) || groups.length === 0) said.push('tells nobody')
  return all(resource, said)
}

function metricFindings(resource: Resource, alarm: Alarm): Finding[] {
  const said = common(resource, alarm)
  const criteria = resource.at('properties', 'criteria', 'allOf')
  const criterion = isList(criteria) ? criteria[0] : undefined
  if (resource.at('properties', 'criteria', 'odata.type') === undefined) said.push('does not say what its criteria are')
  if (at(criterion, 'threshold') !== alarm.threshold * alarm.datapointsToAlarm) said.push('has another threshold')
  if (resource.at('properties', 'windowSize') !== `PT${(alarm.periodSeconds * alarm.datapointsToAlarm) / 60}M`)
    said.push('looks at another time')
  const actions = resource.at('properties', 'actions')
  if (!isList(actions) || actions.length === 0) said.push('tells nobody')
  return all(resource, said)
}
