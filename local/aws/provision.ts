import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  type DynamoDBClient,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb'
import {
  CreateBucketCommand,
  type Event,
  GetBucketNotificationConfigurationCommand,
  PutBucketCorsCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketVersioningCommand,
  type QueueConfiguration,
  type S3Client,
} from '@aws-sdk/client-s3'
import {
  CreateQueueCommand,
  type QueueAttributeName,
  SetQueueAttributesCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs'
import { StartError } from './process.ts'
import type { Stack } from './stack.ts'
import { differenceOf } from './table-difference.ts'
import { evaluate, isMapping, type Mapping, type Node, textOf } from './template.ts'

export interface Clients {
  readonly dynamodb: DynamoDBClient
  readonly s3: S3Client
  readonly sqs: SQSClient
}

const tableSecondsMax = 30

/**
 * Makes the template's tables, queues and buckets where they are missing. Safe to run at every start. Throws StartError
 * when `data`, the folder of the stores, holds a table with other keys or indexes than the template's.
 */
export async function provision(stack: Stack, clients: Clients, data: string): Promise<void> {
  const tables = stack
    .resources('AWS::DynamoDB::Table')
    .map(([id, { Properties }]) => table(id, Properties, stack, clients, data))
  const queues = stack.resources('AWS::SQS::Queue').map(([id, { Properties }]) => queue(id, Properties, stack, clients))
  await Promise.all([...tables, Promise.all(queues).then(() => buckets(stack, clients))])
}

const ignore =
  (...names: readonly string[]) =>
  (error: unknown): void => {
    if (!names.includes((error as Error).name)) throw error
  }

async function table(
  id: string,
  properties: Mapping,
  stack: Stack,
  { dynamodb }: Clients,
  data: string,
): Promise<void> {
  const TableName = stack.ref(id)
  const { StreamSpecification: stream, TimeToLiveSpecification: ttl } = properties
  const input = {
    TableName,
    BillingMode: properties.BillingMode,
    AttributeDefinitions: properties.AttributeDefinitions,
    KeySchema: properties.KeySchema,
    GlobalSecondaryIndexes: properties.GlobalSecondaryIndexes,
    ...(isMapping(stream) ? { StreamSpecification: { ...stream, StreamEnabled: true } } : {}),
  } as unknown as CreateTableCommandInput
  await dynamodb.send(new CreateTableCommand(input)).catch(ignore('ResourceInUseException'))
  await waitUntilTableExists({ client: dynamodb, maxWaitTime: tableSecondsMax, minDelay: 1 }, { TableName })
  const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName }))
  const difference = differenceOf(Table ?? {}, input)
  if (difference !== undefined) {
    throw new StartError(
      `The table ${TableName} in ${data} was made by an older version (${difference}). Start with --fresh, or choose another folder with --data.`,
    )
  }
  if (isMapping(ttl)) {
    const TimeToLiveSpecification = { AttributeName: textOf(ttl.AttributeName), Enabled: true }
    const command = new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification })
    await dynamodb.send(command).catch(ignore('ValidationException')) // already on
  }
  if (Table?.LatestStreamArn) stack.setStreamArn(id, Table.LatestStreamArn)
}

const queueAttributes = [
  'VisibilityTimeout',
  'MessageRetentionPeriod',
  'DelaySeconds',
  'ReceiveMessageWaitTimeSeconds',
  'RedrivePolicy',
] as const satisfies QueueAttributeName[]

async function queue(id: string, properties: Mapping, stack: Stack, { sqs }: Clients): Promise<void> {
  const QueueName = stack.attribute(id, 'QueueName')
  const given = evaluate(properties, stack) as Mapping
  const entries = queueAttributes.flatMap((name) => {
    const value: Node | undefined = given[name]
    return value === undefined ? [] : [[name, isMapping(value) ? JSON.stringify(value) : textOf(value)] as const]
  })
  const Attributes = Object.fromEntries(entries)
  await sqs.send(new CreateQueueCommand({ QueueName, Attributes })).catch(async (error: unknown) => {
    ignore('QueueNameExists', 'QueueAlreadyExists')(error)
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl: stack.ref(id), Attributes }))
  })
}

async function buckets(stack: Stack, clients: Clients): Promise<void> {
  await Promise.all(
    stack
      .resources('AWS::S3::Bucket')
      .map(([id, { Properties }]) => bucket(stack.ref(id), evaluate(Properties, stack) as Mapping, clients)),
  )
}

const list = (node: Node | undefined): Mapping[] => (Array.isArray(node) ? node.filter(isMapping) : [])
const texts = (node: Node | undefined): string[] => (Array.isArray(node) ? node.map(textOf) : [])
const member = (node: Node | undefined, name: string): Node | undefined => (isMapping(node) ? node[name] : undefined)

async function bucket(Bucket: string, properties: Mapping, { s3 }: Clients): Promise<void> {
  await s3.send(new CreateBucketCommand({ Bucket })).catch(ignore('BucketAlreadyOwnedByYou'))
  if (member(properties.VersioningConfiguration, 'Status') === 'Enabled') {
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  }
  const rules = list(member(properties.CorsConfiguration, 'CorsRules'))
  if (rules.length > 0) {
    const CORSRules = rules.map((rule) => ({
      AllowedMethods: texts(rule.AllowedMethods),
      AllowedOrigins: texts(rule.AllowedOrigins),
      AllowedHeaders: texts(rule.AllowedHeaders),
      ExposeHeaders: texts(rule.ExposedHeaders),
      ...(rule.MaxAge === undefined ? {} : { MaxAgeSeconds: Number(rule.MaxAge) }),
    }))
    await s3.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }))
  }
  await notifications(Bucket, list(member(properties.NotificationConfiguration, 'QueueConfigurations')), s3)
}

async function notifications(Bucket: string, wanted: readonly Mapping[], s3: S3Client): Promise<void> {
  const QueueConfigurations: QueueConfiguration[] = wanted.map((each, index) => ({
    Id: `notification-${index + 1}`,
    QueueArn: textOf(each.Queue),
    Events: [textOf(each.Event) as Event],
    Filter: {
      Key: {
        FilterRules: list(member(member(each.Filter, 'S3Key'), 'Rules')).map((rule) => ({
          Name: rule.Name === 'suffix' ? 'suffix' : 'prefix',
          Value: textOf(rule.Value),
        })),
      },
    },
  }))
  const current = await s3.send(new GetBucketNotificationConfigurationCommand({ Bucket }))
  // Putting a configuration makes S3 send a test event: only when something changes.
  if (
    JSON.stringify((current.QueueConfigurations ?? []).map(printOf)) ===
    JSON.stringify(QueueConfigurations.map(printOf))
  )
    return
  const NotificationConfiguration = { QueueConfigurations }
  await s3.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration }))
}

const printOf = ({ Id, QueueArn, Events, Filter }: QueueConfiguration) => [
  Id,
  QueueArn,
  Events,
  Filter?.Key?.FilterRules?.map(({ Name, Value }) => [Name?.toLowerCase(), Value]),
]
