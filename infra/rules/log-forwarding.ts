import { at, listOf, referenceOf } from '../cloudformation.ts'
import { equals, property, references, type Requirement } from './requirement.ts'

const stream = 'AWS::KinesisFirehose::DeliveryStream'
const filter = 'AWS::Logs::SubscriptionFilter'
const s3 = 'ExtendedS3DestinationConfiguration'

/** Each processor, by its type, with what it is told. */
const processors = ['Decompression', 'CloudWatchLogProcessing'] as const

/** Logs on their way to one central store. */
export const logForwardingRequirements: readonly Requirement[] = [
  property(stream, 'logs-bucket', [s3, 'BucketARN'], references('LogsBucket'), 'not our bucket', 'name LogsBucket'),
  ...processors.map((name) =>
    property(
      stream,
      'logs-lines',
      [s3, 'ProcessingConfiguration'],
      (value) =>
        at(value, 'Enabled') === true && listOf(at(value, 'Processors')).some((one) => at(one, 'Type') === name),
      'bundles arrive in place of lines',
      'take them apart: Decompression, then CloudWatchLogProcessing',
    ),
  ),
  property(
    stream,
    'logs-lost',
    [s3, 'CloudWatchLoggingOptions', 'Enabled'],
    equals(true),
    'what is not delivered is told nowhere',
    'enable CloudWatchLoggingOptions',
  ),
  property(filter, 'logs-lines', ['FilterPattern'], equals('"@timestamp"'), '', 'choose our own lines: "@timestamp"'),
  property(filter, 'logs-bucket', ['DestinationArn'], references('LogDelivery'), 'elsewhere', 'name LogDelivery'),
  {
    rule: 'logs-all',
    type: 'AWS::Logs::LogGroup',
    path: [],
    holds: (_, { id }, { resources }) =>
      resources.some(({ type, properties }) => type === filter && referenceOf(properties.LogGroupName) === id),
    problem: 'its lines do not reach the central store',
    cure: 'give it a subscription in aws/infra/log-forwarding.yml',
    // What the gateway and the delivery itself write has other names.
    unless: ({ id }) => !id.endsWith('LogGroup') || id === 'LogDeliveryLogGroup',
  },
]
