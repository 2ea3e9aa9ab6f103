import type { Mutation } from './mutation.ts'

const shownTo =
  (by: string) =>
  (name: string, file: string, find: string, replace: string): Mutation => ({
    name,
    cloud: 'aws',
    file,
    find,
    replace,
    by,
  })

const toGuard = shownTo('aws-guard')
const toNag = shownTo('aws-nag')

const feed = 'aws/infra/event-sources.yml'
const roles = 'aws/infra/roles.yml'
const api = 'aws/infra/api.yml'
const people = 'aws/infra/identity.yml'

/** Shown to cfn-guard alone, or to cdk-nag alone: that other checks catch some of them as well does not count for these. */
export const awsToolMutations: readonly Mutation[] = [
  toGuard(
    'a function that any gateway may call',
    api,
    '      SourceArn:\n        Fn::Sub: arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${ApiGatewayRestApi}/*\n',
    '',
  ),
  toGuard(
    'a feed that gives up too late',
    feed,
    'MaximumRecordAgeInSeconds: 79200',
    'MaximumRecordAgeInSeconds: 90000',
  ),
  toGuard('a role that anybody takes', roles, '{ Service: lambda.amazonaws.com }', "{ AWS: '*' }"),
  toGuard('a role that removes tables', roles, 'dynamodb:BatchGetItem, dynamodb:PutItem', 'dynamodb:DeleteTable'),
  toGuard('a vault that goes with the stack', 'aws/infra/vault.yml', '    UpdateReplacePolicy: Retain\n', ''),
  toGuard('a key that stays the same', 'aws/infra/keys.yml', 'EnableKeyRotation: true', 'EnableKeyRotation: false'),
  toGuard(
    'a bucket for everybody',
    'aws/infra/bucket-policies.yml',
    'Principal: { Service: cloudfront.amazonaws.com }',
    "Principal: '*'",
  ),
  toGuard('functions on the dearer processor', 'serverless.yml', 'architecture: arm64', 'architecture: x86_64'),
  toGuard('logs that are kept for years', 'serverless.yml', 'logRetentionInDays: 30', 'logRetentionInDays: 3653'),
  toNag(
    'a firewall that keeps its reasons to itself',
    'aws/infra/firewall.yml',
    'AWS::WAFv2::LoggingConfiguration',
    'AWS::SSM::X',
  ),
  toNag(
    'objects that nobody saw being asked for',
    'aws/infra/buckets.yml',
    '      LoggingConfiguration:\n        DestinationBucketName: { Ref: AccessLogsBucket }\n        LogFilePrefix: objects/\n',
    '',
  ),
  toNag('passwords of letters', people, 'RequireNumbers: true', 'RequireNumbers: false'),
  toNag('a gateway that is silent about errors', api, 'LoggingLevel: ERROR', "LoggingLevel: 'OFF'"),
  toNag('a queue that is emptied without TLS', 'aws/infra/queues.yml', 'Action: sqs:*', 'Action: sqs:SendMessage'),
  toNag('a role that reads more than drops', roles, '${UploadsBucket.Arn}/drop/*', '${UploadsBucket.Arn}/*'),
  toNag('a bucket of packages for everybody', 'serverless.yml', 'blockPublicAccess: true', 'blockPublicAccess: false'),
  toNag('a reason that has lost its cause', roles, '/uploads/*/film-*', '/uploads/film'),
]
