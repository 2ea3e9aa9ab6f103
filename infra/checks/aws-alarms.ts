import { type Alarm, readAlarms } from '../alarms.ts'
import { at, type CfnResource, type JsonObject, listOf, objectOf, referenceOf, textOf } from '../cloudformation.ts'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'

const file = 'aws/infra/alarms.yml'

/** That AWS has every alarm of `infra/alarms.json` with its figures, and no other. */
export async function checkAwsAlarms(sources: Sources): Promise<Finding[]> {
  const { resources } = await sources.template()
  const alarms = await readAlarms(sources)
  const found = new Map<string, CfnResource>()
  for (const resource of resources) {
    if (resource.type !== 'AWS::CloudWatch::Alarm') continue
    found.set(textOf(resource.properties.AlarmName).replace(/^catamaran-dev-/, ''), resource)
  }
  const missing = Object.keys(alarms).filter((name) => !found.has(name))
  // Those of the canary have a list and a check of their own.
  const extra = [...found.keys()].filter((name) => !(name in alarms) && !name.startsWith('canary-'))
  return [
    ...missing.map((name) => finding('alarm-missing', `there is no alarm ${name}`, 'add it')),
    ...extra.map((name) => finding('alarm-alone', `${name} is not in infra/alarms.json`, 'add it there')),
    ...Object.entries(alarms).flatMap(([name, alarm]) => {
      const resource = found.get(name)
      return resource ? differences(name, alarm, resource.properties) : []
    }),
  ]
}

const finding = (rule: string, problem: string, cure: string): Finding => ({
  file,
  rule: `aws/${rule}`,
  problem,
  cure,
})

function differences(name: string, alarm: Alarm, properties: JsonObject): Finding[] {
  const topic = alarm.severity === 'page' ? 'PageTopic' : 'TicketTopic'
  const metrics = listOf(properties.Metrics).filter((metric) => at(metric, 'ReturnData') === false)
  const stats = metrics.map((metric) => at(metric, 'MetricStat'))
  const wanted: [string, unknown, unknown][] = [
    ['threshold', properties.Threshold, alarm.threshold],
    ['comparison', properties.ComparisonOperator, alarm.comparison],
    ['evaluationPeriods', properties.EvaluationPeriods, alarm.evaluationPeriods],
    ['datapointsToAlarm', properties.DatapointsToAlarm, alarm.datapointsToAlarm],
    ['missing', properties.TreatMissingData, alarm.missing],
    ['severity', listOf(properties.AlarmActions).map(referenceOf).join(), topic],
    ['severity', listOf(properties.OKActions).map(referenceOf).join(), topic],
    ...(stats.length === 0 ? [properties] : stats).flatMap((stat): [string, unknown, unknown][] => [
      ['periodSeconds', objectOf(stat).Period, alarm.periodSeconds],
      ['statistic', at(stat, 'Stat') ?? at(stat, 'Statistic') ?? at(stat, 'ExtendedStatistic'), alarm.statistic],
    ]),
    ...(alarm.source === 'catamaran' && stats.length === 0
      ? [['metric', properties.MetricName, alarm.metric] satisfies [string, unknown, unknown]]
      : []),
  ]
  return wanted
    .filter(([, has, should]) => has !== should)
    .map(([what, has, should]) =>
      finding(
        'alarm-differs',
        `${name}: ${what} is ${JSON.stringify(has)}, not ${JSON.stringify(should)}`,
        'read it from infra/alarms.json',
      ),
    )
}
