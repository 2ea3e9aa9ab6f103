import { at, type CfnResource, listOf, objectOf, referenceOf } from '../cloudformation.ts'
import { atLeast, equals, isThere, property, references, type Requirement } from './requirement.ts'

const lambda = 'AWS::Lambda::Function'
const mapping = 'AWS::Lambda::EventSourceMapping'
const queue = 'AWS::SQS::Queue'
const isStream = ({ properties }: CfnResource): boolean => JSON.stringify(properties).includes('StreamArn')
const isDeadLetters = ({ id }: CfnResource): boolean => id.endsWith('DeadLetterQueue')

/** A message must stay hidden for as long as its function may work on it. */
const outlastsFunction: Requirement['holds'] = (value, { id }, { resources }) =>
  resources
    .filter(({ type, properties }) => type === mapping && referenceOf(properties.EventSourceArn) === id)
    .every(({ properties }) => {
      const consumer = resources.find((each) => each.id === referenceOf(properties.FunctionName))
      return Number(value) >= Number(consumer?.properties.Timeout)
    })

export const functionRequirements: readonly Requirement[] = [
  property(lambda, 'runtime', ['Runtime'], equals('nodejs24.x'), 'not the Node of the tests', 'set nodejs24.x'),
  property(lambda, 'architecture', ['Architectures'], equals(['arm64']), 'the dearer architecture', 'set arm64'),
  property(lambda, 'traced', ['TracingConfig', 'Mode'], equals('Active'), 'no traces', 'set tracing.lambda'),
  property(lambda, 'environment-key', ['KmsKeyArn'], references('DataKey'), 'not our key', 'set provider.kmsKeyArn'),
  property(lambda, 'own-memory', ['MemorySize'], atLeast(256), 'too little memory to start fast', 'set memorySize'),
  property(
    lambda,
    'time-out',
    ['Timeout'],
    (value, { id }) => Number(value) <= (id === 'HttpLambdaFunction' ? 29 : 900),
    'it may run longer than what calls it waits',
    'set timeout to at most 29 behind the API, 900 else',
  ),
  property('AWS::Logs::LogGroup', 'log-retention', ['RetentionInDays'], atLeast(1), 'kept for ever', 'set retention'),
  property('AWS::Logs::LogGroup', 'log-key', ['KmsKeyId'], references('DataKey'), 'not our key', 'set KmsKeyId'),
  property(queue, 'queue-encrypted', ['SqsManagedSseEnabled'], equals(true), 'not encrypted', 'set it to true'),
  {
    ...property(queue, 'dead-letters', ['RedrivePolicy', 'deadLetterTargetArn'], isThere, '', ''),
    problem: 'a message that cannot be done is tried for ever',
    cure: 'give it a RedrivePolicy with a dead-letter queue',
    unless: isDeadLetters,
  },
  {
    ...property(queue, 'dead-letters', ['MessageRetentionPeriod'], equals(1209600), '', ''),
    problem: 'messages go before anybody looks',
    cure: 'keep them for 14 days',
  },
  {
    ...property(queue, 'visibility', ['VisibilityTimeout'], outlastsFunction, '', ''),
    problem: 'a message comes back while its function still works on it',
    cure: "set VisibilityTimeout to the function's time-out or more",
    unless: isDeadLetters,
  },
  property(
    mapping,
    'partial-failures',
    ['FunctionResponseTypes'],
    equals(['ReportBatchItemFailures']),
    'one failure has the whole batch come again',
    'set FunctionResponseTypes to ReportBatchItemFailures',
  ),
  {
    ...property(mapping, 'concurrency-maximum', ['ScalingConfig', 'MaximumConcurrency'], atLeast(2), '', ''),
    problem: 'a full queue takes all of the account for itself',
    cure: 'set MaximumConcurrency',
    unless: isStream,
  },
  {
    ...property(
      mapping,
      'feed-failures',
      ['DestinationConfig', 'OnFailure', 'Destination'],
      references('FailuresBucket'),
      '',
      '',
    ),
    problem: 'what the feed gives up on is lost',
    cure: 'name the failures bucket: a queue would keep pointers only',
    unless: (resource) => !isStream(resource),
  },
  {
    ...property(mapping, 'feed-policy', [], isThere, '', ''),
    holds: (value) =>
      at(value, 'BisectBatchOnFunctionError') === true &&
      Number(at(value, 'MaximumRecordAgeInSeconds')) > 3600 &&
      Number(at(value, 'MaximumRecordAgeInSeconds')) < 86_400,
    problem: 'one poison record holds up the feed until the stream forgets',
    cure: 'bisect, with a maximum age under 24 hours',
    unless: (resource) => !isStream(resource),
  },
  {
    rule: 'consumer',
    type: lambda,
    path: ['Properties'],
    holds: (properties) => isThere(objectOf(properties).ReservedConcurrentExecutions),
    problem: 'neither its share nor its source bounds how many run at once',
    cure: 'set reservedConcurrency, or a mapping with MaximumConcurrency',
    unless: ({ id }) => !['HttpLambdaFunction', 'TimerLambdaFunction'].includes(id),
  },
  {
    rule: 'schedules-on',
    type: 'AWS::Events::Rule',
    path: ['Properties'],
    holds: (properties) =>
      objectOf(properties).State === 'ENABLED' &&
      listOf(objectOf(properties).Targets).every((target) => isThere(at(target, 'Input'))),
    problem: 'a timer task does not run, or does not know its name',
    cure: 'enable the schedule and give it an input',
  },
]
