import { dashboardFile, dashboardText } from '../grafana.ts'
import { rows } from '../grafana-panels.ts'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'
import { sentMetrics } from './alarms.ts'

const finding = (rule: string, problem: string, cure: string): Finding => ({
  file: dashboardFile,
  rule: `grafana/${rule}`,
  problem,
  cure,
})

/** That the dashboard is the one that its plan makes, and shows every figure that is sent, and no other. */
export async function checkGrafana(sources: Sources): Promise<Finding[]> {
  const shown = new Set(Object.values(rows).flatMap((plans) => plans.flatMap(({ metrics = [] }) => metrics)))
  const sent = await sentMetrics()
  const isMade = (await sources.text(dashboardFile).catch(() => '')) === (await dashboardText(sources))
  return [
    ...(isMade ? [] : [finding('made', 'it is not what its plan makes', 'run npm run infra:grafana')]),
    ...[...sent]
      .filter((name) => name !== 'conflicts' && !shown.has(name))
      .map((name) => finding('shown', `${name} is sent and not shown`, 'give it a picture in infra/grafana-panels.ts')),
    ...[...shown]
      .filter((name) => !sent.has(name))
      .map((name) => finding('sent', `nothing sends ${name}`, 'take it out of infra/grafana-panels.ts')),
  ]
}
