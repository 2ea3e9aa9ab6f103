import { at, type Json, listOf, textOf } from '../cloudformation.ts'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'
import { sentMetrics } from './alarms.ts'

interface Widget {
  readonly properties: { readonly title?: string; readonly metrics?: readonly (readonly unknown[])[] }
}

const file = 'aws/infra/dashboard.yml'
const finding = (problem: string, cure: string): Finding => ({ file, rule: 'aws/dashboard', problem, cure })

/** What an operator looks at shows figures that are sent, of functions that are there, and leaves none of these out. */
export async function checkAwsDashboard(sources: Sources): Promise<Finding[]> {
  const { resources } = await sources.template()
  const dashboards = resources.filter(({ type }) => type === 'AWS::CloudWatch::Dashboard')
  if (dashboards.length === 0) return [finding('there is none', 'declare one')]
  const functions = resources
    .filter(({ type }) => type === 'AWS::Lambda::Function')
    .map(({ properties }) => textOf(properties.FunctionName))
  const sent = await sentMetrics()
  return dashboards.flatMap(({ properties }) => {
    const rows = rowsOf(properties.DashboardBody)
    if (!rows) return [finding('its body is no JSON', 'mend it')]
    const own = rows.filter(([namespace]) => namespace === 'Catamaran').map(([, metric]) => textOf(metric))
    const ofFunctions = rows.filter(([namespace]) => namespace === 'AWS/Lambda')
    const shown = (metric: string): Set<string> =>
      new Set(ofFunctions.filter(([, name]) => name === metric).map(([, , , name]) => textOf(name)))
    return [
      ...own.filter((name) => !sent.has(name)).map((name) => finding(`nothing sends ${name}`, 'correct it')),
      ...[...shown('Errors')]
        .filter((name) => !functions.includes(name))
        .map((name) => finding(`there is no function ${name}`, 'correct it')),
      ...['Errors', 'Duration', 'Throttles', 'ConcurrentExecutions'].flatMap((metric) =>
        functions
          .filter((name) => !shown(metric).has(name))
          .map((name) => finding(`${metric} of ${name} is not shown`, 'add it')),
      ),
    ]
  })
}

/** The rows of all pictures: namespace, metric, then dimensions by name and value. */
function rowsOf(body: Json | undefined): Json[][] | undefined {
  const text = textOf(at(body, 'Fn::Sub') ?? body)
  try {
    const { widgets } = JSON.parse(text) as { widgets: Widget[] }
    return widgets.flatMap(({ properties }) => listOf(properties.metrics as Json) as Json[][])
  } catch {
    return undefined
  }
}
