import type { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams'
import type { S3Client } from '@aws-sdk/client-s3'
import type { SQSClient } from '@aws-sdk/client-sqs'
import type { Checkpoints } from './lambda/checkpoints.ts'
import { storeFailure } from './lambda/failure-destination.ts'
import type { FunctionPool } from './lambda/function-pool.ts'
import { invokeWithRetries } from './lambda/invoke-api.ts'
import { QueueMapping } from './lambda/queue-mapping.ts'
import type { Schedule } from './lambda/schedules.ts'
import { StreamMapping } from './lambda/stream-mapping.ts'
import type { Stack } from './stack.ts'
import { at, evaluate, isMapping, type Mapping, textOf } from './template.ts'

export interface MappingClients {
  readonly streams: DynamoDBStreamsClient
  readonly sqs: SQSClient
  readonly s3: S3Client
}

export interface MappingOptions {
  readonly stack: Stack
  readonly clients: MappingClients
  /** By full name. */
  readonly pools: ReadonlyMap<string, FunctionPool>
  readonly checkpoints: Checkpoints
  readonly concurrencyMax: number
  readonly log: (line: string) => void
}

/** Starts the template's event source mappings. Throws when one names a source or a function that is not there. */
export const startMappings = (options: MappingOptions): { close(): Promise<void> }[] =>
  options.stack
    .resources('AWS::Lambda::EventSourceMapping')
    .map(([id, { Properties }]) => startMapping(id, evaluate(Properties, options.stack) as Mapping, options))

function startMapping(id: string, properties: Mapping, options: MappingOptions): StreamMapping | QueueMapping {
  const functionName = textOf(properties.FunctionName).split(':').at(-1) ?? ''
  const pool = options.pools.get(functionName)
  if (!pool) throw new Error(`${id} names the function ${functionName}, which is not there`)
  const source = textOf(properties.EventSourceArn)
  const invoke = (event: string) => pool.invoke(event)
  const responses = Array.isArray(properties.FunctionResponseTypes) ? properties.FunctionResponseTypes : []
  const reportsItemFailures = responses.includes('ReportBatchItemFailures')
  const { clients, checkpoints, log, stack } = options
  if (source.includes(':sqs:')) {
    const { account, sqsEndpoint } = stack.place
    return new QueueMapping({
      sqs: clients.sqs,
      queueUrl: `${sqsEndpoint}/${account}/${source.split(':').at(-1)}`,
      queueArn: source,
      invoke,
      batchSize: Number(properties.BatchSize ?? 10),
      concurrencyMax: Math.min(
        options.concurrencyMax,
        Number(at(properties, 'ScalingConfig', 'MaximumConcurrency') ?? 1000),
      ),
      reportsItemFailures,
      log,
    })
  }
  const bucketArn = at(properties, 'DestinationConfig', 'OnFailure', 'Destination')
  return new StreamMapping({
    streams: clients.streams,
    streamArn: source,
    id,
    invoke,
    checkpoints,
    startingPosition: properties.StartingPosition === 'LATEST' ? 'LATEST' : 'TRIM_HORIZON',
    batchSize: Number(properties.BatchSize ?? 100),
    windowMs: Number(properties.MaximumBatchingWindowInSeconds ?? 0) * 1000,
    policy: {
      bisect: properties.BisectBatchOnFunctionError === true,
      reportsItemFailures,
      retriesMax: Number(properties.MaximumRetryAttempts ?? -1),
      ageSecondsMax: Number(properties.MaximumRecordAgeInSeconds ?? -1),
    },
    giveUp: async (given, shardId) => {
      log(`${id}: gave up ${given.records.length} records: ${given.condition}`)
      if (typeof bucketArn !== 'string') return
      const bucket = bucketArn.split(':').at(-1) ?? ''
      const to = { s3: clients.s3, bucket, mappingId: id, functionArn: pool.spec.arn, streamArn: source }
      await storeFailure(to, shardId, given)
    },
    log,
  })
}

/** The schedules of the template's functions. */
export function schedulesOf(stack: Stack, pools: ReadonlyMap<string, FunctionPool>, scale: number): Schedule[] {
  return Object.values(stack.template.functions).flatMap((settings) => {
    const pool = pools.get(textOf(settings.name))
    const events = Array.isArray(settings.events) ? settings.events : []
    return events.flatMap((event, index) => {
      const schedule = at(event, 'schedule')
      if (schedule === undefined || !pool) return []
      const expression = textOf(isMapping(schedule) ? schedule.rate : schedule)
      const input = JSON.stringify(at(schedule, 'input') ?? {})
      return [{ name: `${pool.spec.name}-${index}`, expression, run: () => invokeWithRetries(pool, input, scale) }]
    })
  })
}
