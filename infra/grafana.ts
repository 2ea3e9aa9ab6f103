import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Alarm, readAlarms } from './alarms.ts'
import { type PanelPlan, type PlatformMetric, rows } from './grafana-panels.ts'
import { repository, type Sources, sourcesIn } from './sources.ts'

export const dashboardFile = 'infra/grafana.json'
/** Of Grafana's dashboard model. */
const schemaVersion = 39
const columns = 24
const panelWidth = 8
const panelHeight = 7

interface Reading {
  readonly alarms: readonly Alarm[]
  /** KQL of `azure/infra/alarm-queries.json`, by metric. */
  readonly queries: Readonly<Record<string, string>>
}

/** The dashboard of both sites: each figure from CloudWatch and from Azure Monitor in one picture, with its alarm's threshold. */
export async function dashboardText(sources: Sources): Promise<string> {
  const alarms = Object.values(await readAlarms(sources))
  const queries = JSON.parse(await sources.text('azure/infra/alarm-queries.json')) as Record<string, string>
  const panels: object[] = []
  let y = 0
  for (const [title, plans] of Object.entries(rows)) {
    panels.push({ type: 'row', title, collapsed: false, panels: [], gridPos: { x: 0, y: y++, w: columns, h: 1 } })
    for (const [index, plan] of plans.entries()) {
      const x = (index * panelWidth) % columns
      if (index > 0 && x === 0) y += panelHeight
      const gridPos = { x, y, w: panelWidth, h: panelHeight }
      panels.push({ ...panelOf(plan, { alarms, queries }), gridPos })
    }
    y += panelHeight
  }
  const dashboard = {
    uid: 'catamaran',
    title: 'Catamaran',
    tags: ['catamaran'],
    schemaVersion,
    editable: true,
    refresh: '1m',
    time: { from: 'now-6h', to: 'now' },
    templating: { list: variables },
    panels: panels.map((panel, index) => ({ id: index + 1, ...panel })),
  }
  return `${JSON.stringify(dashboard, null, 2)}\n`
}

const typed = (name: string, label: string, query: string): object => ({ type: 'textbox', name, label, query })
const variables = [
  { type: 'datasource', name: 'cloudwatch', label: 'CloudWatch', query: 'cloudwatch' },
  { type: 'datasource', name: 'azure', label: 'Azure Monitor', query: 'grafana-azure-monitor-datasource' },
  typed('stage', 'Stage', 'production'),
  typed('region', 'AWS region', 'us-east-1'),
  typed('workspace', 'Log Analytics workspace (resource id)', ''),
]

function panelOf(plan: PanelPlan, reading: Reading): object {
  const { title, unit, metrics = [], platform } = plan
  const names = platform ? [platform.name] : metrics
  const alarms = reading.alarms.filter(({ metric }) => names.includes(metric))
  const targets = names.flatMap((name) => [
    ...(platform ? fromCloudWatch(platform.aws, `AWS ${name}`) : fromCloudWatch(ownMetric(name), `AWS ${name}`)),
    fromAzureMonitor(name, reading),
  ])
  const steps = [{ color: 'green', value: null }, ...alarms.map(({ threshold: value }) => ({ color: 'red', value }))]
  return {
    type: 'timeseries',
    title,
    description: alarms.map(({ why, runbook }) => `${why} See ${runbook}.`).join('\n\n'),
    datasource: { type: 'datasource', uid: '-- Mixed --' },
    targets: targets.map((target, index) => ({ refId: `A${index}`, ...target })),
    fieldConfig: {
      defaults: {
        unit,
        thresholds: { mode: 'absolute', steps },
        custom: { thresholdsStyle: { mode: alarms.length > 0 ? 'line' : 'off' } },
      },
      overrides: [],
    },
  }
}

const ownMetric = (metric: string): PlatformMetric => ({
  namespace: 'Catamaran',
  metric,
  statistic: 'Maximum',
  dimensions: { stage: '$stage', service: 'timer' },
})

function fromCloudWatch(
  { namespace, metric, statistic, dimensions, isShare }: PlatformMetric,
  label: string,
): object[] {
  const base = {
    datasource: { type: 'cloudwatch', uid: '${cloudwatch}' },
    queryMode: 'Metrics',
    metricQueryType: 0,
    region: '$region',
    period: '60',
    statistic,
  }
  const exact = Object.fromEntries(Object.entries(dimensions).map(([name, value]) => [name, [value]]))
  const figure = { ...base, metricEditorMode: 0, namespace, metricName: metric, dimensions: exact, matchExact: true }
  if (!isShare) return [{ ...figure, label }]
  const percent = { ...base, metricEditorMode: 1, expression: 'share * 100', id: 'percent', label }
  return [{ ...figure, id: 'share', hide: true }, percent]
}

function fromAzureMonitor(name: string, { queries, alarms }: Reading): object {
  const source = (queries[name] ?? queries.catamaran ?? '').replaceAll('METRIC', name)
  const statistic = alarms.find(({ metric }) => metric === name)?.statistic
  const summed = statistic === 'Sum' ? 'sum(value)' : statistic === 'p99' ? 'percentile(value, 99)' : 'max(value)'
  const lines = [
    source.replaceAll('PERIOD', '60').replaceAll('ENDING', '$__timeTo'),
    'where $__timeFilter(TimeGenerated)',
    `summarize ['Azure ${name}'] = ${summed} by bin(TimeGenerated, 1m)`,
    'order by TimeGenerated asc',
  ]
  return {
    datasource: { type: 'grafana-azure-monitor-datasource', uid: '${azure}' },
    queryType: 'Azure Log Analytics',
    azureLogAnalytics: { query: lines.join(' | '), resources: ['$workspace'], resultFormat: 'time_series' },
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await writeFile(join(repository, dashboardFile), await dashboardText(sourcesIn(repository)))
}
