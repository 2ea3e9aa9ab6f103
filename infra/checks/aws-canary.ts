import { parse } from 'yaml'
import { type Canary, readCanary } from '../canary.ts'
import { at, type CloudFormation, type Json, listOf, objectOf, referenceOf, textOf } from '../cloudformation.ts'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'

const file = 'aws/infra/canary.yml'
const alarmIds = ['CanaryErrorsAlarm', 'CanaryLatencyAlarm', 'CanaryFunctionsAlarm']
const finding = (rule: string, problem: string, cure: string, where = file): Finding => ({
  file: where,
  rule: `aws/${rule}`,
  problem,
  cure,
})

/** A new version of the API gets few calls first, for long enough that an alarm can ring, and then none of them. */
export async function checkAwsCanary(sources: Sources): Promise<Finding[]> {
  const template = await sources.template()
  return [
    ...aliasFindings(template),
    ...groupFindings(template),
    ...figureFindings(template, await readCanary(sources)),
    ...(await callerFindings(sources, template)),
    ...(await versionFindings(sources, template)),
  ]
}

const ofType = ({ resources }: CloudFormation, type: string) => resources.filter((one) => one.type === type)

function aliasFindings(template: CloudFormation): Finding[] {
  const alias = ofType(template, 'AWS::Lambda::Alias').find(({ id }) => id === 'HttpLive')
  const version = referenceOf(alias?.properties.FunctionVersion)
  const isVersion = ofType(template, 'AWS::Lambda::Version').some(({ id }) => id === version)
  const update = objectOf(at(alias?.attributes, 'UpdatePolicy', 'CodeDeployLambdaAliasUpdate'))
  const isShifted =
    referenceOf(update.ApplicationName) === 'CanaryApplication' &&
    referenceOf(update.DeploymentGroupName) === 'CanaryGroup'
  return [
    ...(isVersion ? [] : [finding('canary-version', 'HttpLive names no version', 'list the plugin in serverless.yml')]),
    ...(isShifted ? [] : [finding('canary-shift', 'HttpLive changes all at once', 'set CodeDeployLambdaAliasUpdate')]),
  ]
}

function groupFindings(template: CloudFormation): Finding[] {
  const properties = ofType(template, 'AWS::CodeDeploy::DeploymentGroup')[0]?.properties ?? {}
  const watching = listOf(at(properties, 'AlarmConfiguration', 'Alarms')).map((one) => referenceOf(at(one, 'Name')))
  const unwatched = [...alarmIds, 'ApiErrorsAlarm'].filter((id) => !watching.includes(id))
  const isWatching = at(properties, 'AlarmConfiguration', 'Enabled') === true && unwatched.length === 0
  const events = listOf(at(properties, 'AutoRollbackConfiguration', 'Events'))
  const goesBack =
    at(properties, 'AutoRollbackConfiguration', 'Enabled') === true && events.includes('DEPLOYMENT_STOP_ON_ALARM')
  return [
    ...(isWatching ? [] : [finding('canary-watched', `${unwatched.join()} stops nothing`, 'list it in CanaryGroup')]),
    ...(goesBack ? [] : [finding('canary-back', 'an alarm brings nothing back', 'add DEPLOYMENT_STOP_ON_ALARM')]),
  ]
}

/** The alarms look at what the packaged version did of its own calls, by the figures that Azure goes by as well. */
function figureFindings(template: CloudFormation, canary: Canary): Finding[] {
  const alarms = template.resources.filter(({ id }) => alarmIds.includes(id))
  const depends = listOf(at(ofType(template, 'AWS::Lambda::Alias')[0]?.attributes, 'DependsOn')).map(textOf)
  const version = ofType(template, 'AWS::Lambda::Version')[0]?.id
  return alarms.flatMap(({ id, properties }) => {
    const name = textOf(properties.AlarmName).replace('catamaran-dev-', '')
    const { threshold, callsMin } = Object.entries(canary.figures).find(([one]) => one === name)?.[1] ?? {}
    const stats = listOf(properties.Metrics).flatMap((one) => listOf(at(one, 'MetricStat')))
    const isOfVersion = (stat: Json): boolean =>
      listOf(at(stat, 'Metric', 'Dimensions')).some((one) => referenceOf(at(one, 'Value')) === version)
    const wanted: [string, boolean][] = [
      ['looks at all versions together', id === 'CanaryFunctionsAlarm' || stats.every(isOfVersion)],
      ['is there only when the version is', depends.includes(id)],
      ['has another threshold', properties.Threshold === threshold],
      ['judges other numbers of calls', JSON.stringify(properties.Metrics).includes(`>= ${callsMin}, `)],
      ['has other periods', stats.every((stat) => at(stat, 'Period') === canary.periodSeconds)],
      ['looks at more or less periods', properties.EvaluationPeriods === canary.evaluationPeriods],
      ['rings after more or less periods', properties.DatapointsToAlarm === canary.datapointsToAlarm],
    ]
    return wanted
      .filter(([, is]) => !is)
      .map(([problem]) => finding('canary-figures', `${name} ${problem}`, 'take it from infra/canary.json'))
  })
}

/** Callers reach the alias, and nothing else. */
async function callerFindings(sources: Sources, template: CloudFormation): Promise<Finding[]> {
  const permission = template.resources.find(({ id }) => id === 'HttpPermission')
  const document = await sources.text('aws/infra/api-document.json')
  const past = (document.match(/-http\/invocations/g) ?? []).length
  const cure = 'call the alias `live`'
  return [
    ...(referenceOf(permission?.properties.FunctionName) === 'HttpLive'
      ? []
      : [finding('canary-callers', 'the gateway may not call the alias', cure, 'aws/infra/api.yml')]),
    ...(past === 0
      ? []
      : [finding('canary-callers', `${past} routes pass it by`, cure, 'aws/infra/api-document.json')]),
  ]
}

/** What a parameter changes in the configuration is a new version only where the description changes with it. */
async function versionFindings(sources: Sources, template: CloudFormation): Promise<Finding[]> {
  const text = await sources.text('serverless.yml')
  const description = textOf(at(parse(text) as Json, 'functions', 'http', 'description'))
  const declared = parse(await sources.text('aws/infra/parameters.yml')) as Json
  const settings = template.resources.find(({ id }) => id === 'HttpLambdaFunction')?.properties.Environment ?? {}
  return parametersIn(settings, template)
    .map((name) => /\$\{env:(\w+)/.exec(textOf(at(declared, 'Parameters', name, 'Default')))?.[1] ?? name)
    .filter((variable) => !description.includes(`\${env:${variable},`))
    .map((variable) =>
      finding(
        'canary-settings',
        `no new version has another ${variable}`,
        'name it in the description of `http`',
        'serverless.yml',
      ),
    )
}

/** The parameters that a value reads, itself or by a condition. */
function parametersIn(value: Json, { parameters, conditions }: CloudFormation): string[] {
  const words = new Set([...JSON.stringify(value).matchAll(/\w+/g)].map(([word]) => word))
  const choosing = Object.keys(conditions).filter((name) => words.has(name))
  const all = JSON.stringify([value, ...choosing.map((name) => conditions[name] ?? null)])
  return Object.keys(parameters).filter((name) => new RegExp(`\\b${name}\\b`).test(all))
}
