import { parse } from 'yaml'
import { readAlarms } from '../alarms.ts'
import { type CanaryQuery, readCanary } from '../canary.ts'
import { at, type CloudFormation, type Json, listOf, referenceOf, textOf } from '../cloudformation.ts'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'

const [canary, rollback] = ['aws/infra/canary.yml', 'aws/infra/rollback-on.yml']
const [query, pipeline] = ['azure/infra/canary-query.json', '.github/workflows/deploy.yml']
/** How long CloudWatch takes to have a figure, and to look at it. */
const metricSeconds = 120

/** One thing that is watched for so long, and could bring a version back. */
interface Watch {
  readonly file: string
  readonly name: string
  readonly ringsSeconds: number
  readonly watchedSeconds: number
}

interface Periods {
  readonly periodSeconds: number
  readonly datapointsToAlarm: number
}

/** Whatever is to bring a new version back, at either cloud, does so while somebody is still looking. */
export async function checkRollbacks(sources: Sources): Promise<Finding[]> {
  const watches = [...(await awsWatches(sources)), await azureWatch(sources)]
  return [
    ...watches
      .filter(({ ringsSeconds, watchedSeconds }) => !(ringsSeconds < watchedSeconds))
      .map(({ file, name, ringsSeconds, watchedSeconds }) => ({
        file,
        rule: 'rollback/late',
        problem: `${name} takes ${ringsSeconds} s to ring and is watched for ${watchedSeconds} s`,
        cure: 'watch it for longer, or ask for fewer or shorter periods',
      })),
    ...(await pipelineFindings(sources)),
  ]
}

/** A version fails from some moment within a period on, so that this one may not count yet. */
const ringsSeconds = ({ periodSeconds, datapointsToAlarm }: Periods, afterwardsSeconds: number): number =>
  (datapointsToAlarm + 1) * periodSeconds + afterwardsSeconds

async function awsWatches(sources: Sources): Promise<Watch[]> {
  const template = await sources.template()
  const group = template.resources.find(({ type }) => type === 'AWS::CodeDeploy::DeploymentGroup')?.properties ?? {}
  const config = textOf(at(group, 'DeploymentConfigName', 'Fn::If', 1))
  const canaryMinutes = Number(/^CodeDeployDefault\.LambdaCanary10Percent(\d+)Minutes$/.exec(config)?.[1] ?? 0)
  const watching = listOf(at(group, 'AlarmConfiguration', 'Alarms')).map((one) => referenceOf(at(one, 'Name')))
  const byId = await alarmsOf(sources, template)
  const settings = parse(await sources.text(rollback)) as Json
  const triggers = listOf(at(settings, 'RollbackTriggers')).map((one) =>
    textOf(at(one, 'Arn')).replace(/^.*\$\{sls:stage\}-/, ''),
  )
  const watch = (file: string, name: string, periods: Periods | undefined, minutes: number): Watch => ({
    file,
    name,
    ringsSeconds: periods ? ringsSeconds(periods, metricSeconds) : Number.POSITIVE_INFINITY,
    watchedSeconds: minutes * 60,
  })
  return [
    ...watching.map((id = '') => watch(canary, id, byId.get(id), canaryMinutes)),
    ...triggers.map((name) =>
      watch(rollback, name, byId.get(name), Number(at(settings, 'MonitoringTimeInMinutes') ?? 0)),
    ),
  ]
}

/** The periods of each alarm of the lists, by its name and by its id in the template. */
async function alarmsOf(sources: Sources, template: CloudFormation): Promise<ReadonlyMap<string, Periods>> {
  const { figures, ...periods } = await readCanary(sources)
  const ofCanary = Object.keys(figures).map((name) => [name, periods] as const)
  const byName = new Map<string, Periods>([...Object.entries(await readAlarms(sources)), ...ofCanary])
  const byId = template.resources.flatMap(({ id, type, properties }) => {
    const own = byName.get(textOf(properties.AlarmName).replace(/^catamaran-dev-/, ''))
    return type === 'AWS::CloudWatch::Alarm' && own ? [[id, own] as const] : []
  })
  return new Map([...byName, ...byId])
}

/** Asked each period, for as long as lines take to arrive after the last that is judged. */
async function azureWatch(sources: Sources): Promise<Watch> {
  const periods = await readCanary(sources)
  const { latenessSeconds } = JSON.parse(await sources.text(query)) as CanaryQuery
  return {
    file: 'infra/canary.json',
    name: 'a new version at Azure',
    ringsSeconds: ringsSeconds(periods, latenessSeconds + periods.periodSeconds),
    watchedSeconds: periods.periodSeconds * periods.evaluationPeriods + latenessSeconds,
  }
}

/** Nothing but the pipeline brings a version back at Azure. */
async function pipelineFindings(sources: Sources): Promise<Finding[]> {
  const text = await sources.text(pipeline)
  const id = /id: (\w+)\n\s+run: \|\n(?: {10}.*\n)*? {10}node scripts\/azure-canary\.ts /.exec(text)?.[1]
  const { latenessSeconds } = JSON.parse(await sources.text(query)) as CanaryQuery
  const alarmsLate = Number(/latenessSeconds = (\d+)/.exec(await sources.text('azure/infra/modules/alarms.bicep'))?.[1])
  const wanted: [string, string, string, boolean][] = [
    [pipeline, 'nobody looks how a new version does', 'run scripts/azure-canary.ts', id !== undefined],
    [
      pipeline,
      'a version that does badly stays',
      'put the package before back when that step fails',
      text.includes(`steps.${id}.outcome == 'failure'`),
    ],
    [query, 'lines come later than it waits', 'wait as long as the alarms', latenessSeconds >= alarmsLate],
  ]
  return wanted
    .filter(([, , , is]) => !is)
    .map(([file, problem, cure]) => ({ file, rule: 'rollback/watched', problem, cure }))
}
