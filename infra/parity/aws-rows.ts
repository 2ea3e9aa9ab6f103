import {
  at,
  isMapping,
  loadTemplate,
  type Mapping,
  type Node,
  type Resource,
  type Template,
  textOf,
} from '../../local/aws/template.ts'
import { type Row, row } from './row.ts'

const listOf = (node: Node | undefined): readonly Node[] => (Array.isArray(node) ? node : [])
const text = (node: Node | undefined): string => (node === undefined ? 'nothing' : textOf(node))
/** The logical name in `Fn::GetAtt: [Name, Arn]` or `Ref: Name`. */
const target = (node: Node | undefined): string => text(listOf(at(node, 'Fn::GetAtt'))[0] ?? at(node, 'Ref'))

/** What `serverless.yml` declares, as the local cloud reads it too. */
export function awsRows(file: string): Row[] {
  const template = loadTemplate({ file, stage: 'dev', env: {} })
  const functions = Object.entries(template.functions)
  return [
    ...functions.flatMap(([key, spec]) => functionRows(template, key, spec)),
    ...mappingRows(template),
    ...dropRows(template),
    ...storeRows(template),
    row('runtime', { node: text(template.provider['runtime']).replace(/^nodejs(\d+)\.x$/, '$1') }),
    row('longest run', { seconds: Math.max(...functions.map(([, spec]) => Number(spec['timeout'] ?? 0))) }),
  ]
}

const nameOf = ({ service }: Template, spec: Mapping): string => text(spec['name']).replace(`${service}-dev-`, '')

function functionRows(template: Template, key: string, spec: Mapping): Row[] {
  const events = listOf(spec['events']).filter(isMapping)
  const timers = events.flatMap((event) => (isMapping(event['schedule']) ? [event['schedule']] : []))
  const name = nameOf(template, spec)
  // The gateway's document names the routes that there are, and hands on whatever else comes.
  const paths = at(template.resources['ApiGatewayRestApi']?.Properties, 'Body', 'paths')
  const all = ['/', '/{proxy+}'].every((path) => at(paths, path, 'x-amazon-apigateway-any-method') !== undefined)
  if (key === 'http')
    return [row(name, { trigger: 'http', paths: all ? 'all' : 'some', methods: all ? 'all' : 'some' })]
  return timers.map((timer) =>
    row(`${name}-${text(at(timer, 'input', 'task'))}`, { trigger: 'timer', every: secondsOf(text(timer['rate'])) }),
  )
}

/** `rate(5 minutes)` in seconds; anything else as it is. */
function secondsOf(expression: string): string {
  const [, count, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? []
  const seconds = { minute: 60, hour: 3600, day: 86_400 }[unit ?? '']
  return seconds ? `${Number(count) * seconds} s` : expression
}

const ofType = ({ resources }: Template, type: string): [string, Resource][] =>
  Object.entries(resources).filter(([, one]) => one.Type === type)

const queueName = ({ resources, service }: Template, id: string): string =>
  text(resources[id]?.Properties['QueueName']).replace(`${service}-dev-`, '')

function mappingRows(template: Template): Row[] {
  return ofType(template, 'AWS::Lambda::EventSourceMapping').map(([, { Properties: mapping }]) => {
    const key = target(mapping['FunctionName']).replace(/LambdaFunction$/, '')
    const spec =
      Object.entries(template.functions).find(([name]) => name.toLowerCase() === key.toLowerCase())?.[1] ?? {}
    const source = target(mapping['EventSourceArn'])
    const queue = template.resources[source]?.Properties
    if (template.resources[source]?.Type === 'AWS::SQS::Queue') {
      const redrive = queue?.['RedrivePolicy']
      return row(nameOf(template, spec), {
        trigger: 'queue',
        queue: queueName(template, source),
        inAnInstance: text(mapping['BatchSize']),
        attempts: text(at(redrive, 'maxReceiveCount')),
        givenUp: redrive === undefined ? 'lost' : 'kept',
        givesUpAfter: `${text(queue?.['MessageRetentionPeriod'])} s`,
        retryDelay: `${text(queue?.['VisibilityTimeout'])} s`,
      })
    }
    const attempts = Number(mapping['MaximumRetryAttempts'])
    return row(nameOf(template, spec), {
      trigger: 'change feed',
      of: text(queue?.['TableName']).split('-').at(-1) ?? '',
      from: text(mapping['StartingPosition']) === 'TRIM_HORIZON' ? 'the beginning' : 'now',
      batch: text(mapping['BatchSize']),
      attempts: attempts === -1 ? 'for ever' : attempts,
      givesUpAfter: `${text(mapping['MaximumRecordAgeInSeconds'])} s`,
      // A stream's attempts have no delay that one could set.
      retryDelay: 'at once',
    })
  })
}

function dropRows(template: Template): Row[] {
  const buckets = ofType(template, 'AWS::S3::Bucket').flatMap(([, { Properties }]) =>
    listOf(at(Properties, 'NotificationConfiguration', 'QueueConfigurations')),
  )
  const byQueue = buckets.map((one) => ({
    queue: queueName(template, target(at(one, 'Queue'))),
    prefix: listOf(at(one, 'Filter', 'S3Key', 'Rules'))
      .filter((rule) => at(rule, 'Name') === 'prefix')
      .map((rule) => text(at(rule, 'Value')))
      .join(),
    event: /ObjectCreated/.test(text(at(one, 'Event'))) ? 'created' : 'removed',
  }))
  return [
    row('drops', {
      queues: [...new Set(byQueue.map(({ queue }) => queue))].join(),
      prefixes: [...new Set(byQueue.map(({ prefix }) => prefix))].join(),
      events: byQueue
        .map(({ event }) => event)
        .sort()
        .join(),
    }),
  ]
}

function storeRows(template: Template): Row[] {
  const tables = ofType(template, 'AWS::DynamoDB::Table').map(([, { Properties }]) => Properties)
  const [records, site] = ['records', 'site'].map((name) =>
    tables.find((table) => text(table['TableName']).endsWith(`-${name}`)),
  )
  const indexes = listOf(records?.['GlobalSecondaryIndexes']).map((index) =>
    listOf(at(index, 'KeySchema'))
      .map((key) => text(at(key, 'AttributeName')))
      .join('+'),
  )
  const buckets = ofType(template, 'AWS::S3::Bucket').map(([, { Properties }]) => Properties)
  const rules = buckets.flatMap((bucket) => listOf(at(bucket, 'LifecycleConfiguration', 'Rules')))
  const staging = rules.find((rule) => at(rule, 'Prefix') === 'uploads/')
  const locks = buckets
    // Of a stage that is there to stay: the other way of its `Fn::If` has none.
    .map((bucket) => listOf(at(bucket, 'ObjectLockConfiguration', 'Fn::If'))[1])
    .map((lock) => at(lock, 'Rule', 'DefaultRetention', 'Days'))
    .filter((days) => days !== undefined)
  return [
    row('records', { indexes: indexes.sort().join(' ') }),
    row('site', { itemsExpire: at(site, 'TimeToLiveSpecification', 'Enabled') === true }),
    row('staging', { oldVersionsDays: text(at(staging, 'NoncurrentVersionExpiration', 'NoncurrentDays')) }),
    row('vault', { days: locks.map(text).join() }),
    row('objects', {
      versions: buckets.every((bucket) => at(bucket, 'VersioningConfiguration', 'Status') === 'Enabled'),
    }),
  ]
}
