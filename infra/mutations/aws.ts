import type { Mutation } from './mutation.ts'

const mistake = (name: string, file: string, find: string, replace: string): Mutation => ({
  name,
  cloud: 'aws',
  file,
  find,
  replace,
})

const tables = 'aws/infra/tables.yml'
const buckets = 'aws/infra/buckets.yml'
const queues = 'aws/infra/queues.yml'
const roles = 'aws/infra/roles.yml'
const sources = 'aws/infra/event-sources.yml'
const logs = 'aws/infra/log-forwarding.yml'
const policies = 'aws/infra/bucket-policies.yml'
const environment = 'aws/infra/environment.yml'
const edge = 'aws/infra/edge.yml'
const dashboard = 'aws/infra/dashboard.yml'
const dns = 'aws/infra/dns.yml'
const outputs = 'aws/infra/outputs.yml'
const workflow = '.github/workflows/deploy.yml'

export const awsMutations: readonly Mutation[] = [
  mistake('a property that does not exist', tables, 'StreamViewType:', 'StreamKind:'),
  mistake(
    'a billing mode with throughput',
    tables,
    '      AttributeDefinitions:\n        - { AttributeName: pk, AttributeType: S }\n        - { AttributeName: sk, AttributeType: S }\n        - ',
    '      ProvisionedThroughput: { ReadCapacityUnits: 5, WriteCapacityUnits: 5 }\n      AttributeDefinitions:\n        - { AttributeName: pk, AttributeType: S }\n        - { AttributeName: sk, AttributeType: S }\n        - ',
  ),
  mistake(
    'an index whose key is not declared',
    tables,
    '        - { AttributeName: bucketPage, AttributeType: S }\n',
    '',
  ),
  mistake('a stream without old images', tables, 'NEW_AND_OLD_IMAGES', 'NEW_IMAGE'),
  mistake('no time to live', tables, '        Enabled: true\n', '        Enabled: false\n'),
  mistake('a bucket that may be public', buckets, 'RestrictPublicBuckets: true', 'RestrictPublicBuckets: false'),
  mistake(
    'a bucket open to every page',
    buckets,
    "Fn::Split: [',', '${env:ALLOWED_ORIGINS, ''https://none.invalid''}']",
    "Fn::Split: [',', '*']",
  ),
  mistake('a vault that its owner can unlock', 'aws/infra/vault.yml', 'Mode: COMPLIANCE', 'Mode: GOVERNANCE'),
  mistake('a vault without a lock', 'aws/infra/vault.yml', '[IsLasting, true,', '[IsLasting, false,'),
  mistake(
    'a stage that anybody takes away',
    'aws/infra/vault.yml',
    "'${sls:stage}', production",
    "'${sls:stage}', prod",
  ),
  mistake(
    'a bucket policy without TLS',
    'aws/infra/bucket-policies.yml',
    '      Bucket: { Ref: FailuresBucket }',
    '      Bucket: { Ref: VaultBucket }',
  ),
  mistake(
    'a queue without dead letters',
    queues,
    '      RedrivePolicy:\n        maxReceiveCount: 5\n        deadLetterTargetArn:\n          Fn::GetAtt: [JobsDeadLetterQueue, Arn]\n',
    '',
  ),
  mistake('a queue that shows a message too soon', queues, 'VisibilityTimeout: 150', 'VisibilityTimeout: 30'),
  mistake('a feed that gives up within the hour', sources, 'AgeInSeconds: 79200', 'AgeInSeconds: 3600'),
  mistake(
    'jobs that are forgotten',
    queues,
    '960\n      MessageRetentionPeriod: 1209600',
    '960\n      MessageRetentionPeriod: 3600',
  ),
  mistake('an action that is misspelt', roles, 'dynamodb:BatchGetItem', 'dynamodb:BatchGetItems'),
  mistake('tokens for anybody', roles, 'ForAllValues:StringEquals:', 'ForAllValues:StringNotEquals:'),
  mistake('a wildcard in a role', roles, 'dynamodb:BatchGetItem', "'dynamodb:*'"),
  mistake(
    'a role that erases versions',
    roles,
    'Action: s3:PutObjectTagging',
    'Action: [s3:PutObjectTagging, s3:DeleteObjectVersion]',
  ),
  mistake(
    'a role that erases records',
    roles,
    'Action: [dynamodb:GetItem, dynamodb:BatchGetItem,',
    'Action: [dynamodb:GetItem, dynamodb:DeleteItem, dynamodb:BatchGetItem,',
  ),
  mistake(
    'a role that removes objects',
    roles,
    '                Action: s3:DeleteObject\n                Resource:\n                  - Fn::Sub: ${UploadsBucket.Arn}/uploads/*',
    '                Action: s3:DeleteObject\n                Resource:\n                  - Fn::Sub: ${ObjectsBucket.Arn}/*',
  ),
  mistake('a role for two functions', 'serverless.yml', 'role: TimerRole', 'role: JobRole'),
  mistake('too little memory to start', 'serverless.yml', 'memorySize: 512', 'memorySize: 128'),
  mistake('the dearer processor', 'serverless.yml', 'architecture: arm64', 'architecture: x86_64'),
  mistake('another runtime', 'serverless.yml', 'runtime: nodejs24.x', 'runtime: nodejs20.x'),
  mistake('a time-out longer than the API waits', 'serverless.yml', 'timeout: 29', 'timeout: 60'),
  mistake(
    'an unbounded queue consumer',
    sources,
    '      FunctionResponseTypes: [ReportBatchItemFailures]\n      ScalingConfig:\n        MaximumConcurrency: 20\n  ObjectCreatedMapping',
    '      FunctionResponseTypes: [ReportBatchItemFailures]\n  ObjectCreatedMapping',
  ),
  mistake(
    'a feed that is held up by poison',
    sources,
    'BisectBatchOnFunctionError: true',
    'BisectBatchOnFunctionError: false',
  ),
  mistake(
    'a feed whose failures are lost',
    sources,
    'Fn::GetAtt: [FailuresBucket, Arn]',
    'Fn::GetAtt: [JobsDeadLetterQueue, Arn]',
  ),
  mistake(
    'a reference to nothing',
    sources,
    'Fn::GetAtt: [RecordsTable, StreamArn]',
    'Fn::GetAtt: [RecordTable, StreamArn]',
  ),
  mistake(
    'a vault that S3 does not fill',
    buckets,
    'Fn::GetAtt: [VaultBucket, Arn]',
    'Fn::GetAtt: [VaultBuckets, Arn]',
  ),
  mistake(
    'a table that is not encrypted with our key',
    tables,
    '          Fn::GetAtt: [DataKey, Arn]\n      AttributeDefinitions:\n        - { AttributeName: pk, AttributeType: S }\n        - { AttributeName: sk, AttributeType: S }\n      KeySchema',
    '          Fn::GetAtt: [OtherKey, Arn]\n      AttributeDefinitions:\n        - { AttributeName: pk, AttributeType: S }\n        - { AttributeName: sk, AttributeType: S }\n      KeySchema',
  ),
  mistake('a domain with old TLS', 'aws/infra/api.yml', 'SecurityPolicy: TLS_1_2', 'SecurityPolicy: TLS_1_0'),
  mistake('an API without limits', 'aws/infra/api.yml', '          ThrottlingRateLimit: 2000\n', ''),
  mistake('keys in the log', 'aws/infra/api.yml', 'DataTraceEnabled: false', 'DataTraceEnabled: true'),
  mistake('a firewall in front of nothing', 'aws/infra/firewall.yml', '/stages/${ApiStage}', '/stages/production'),
  mistake(
    'a firewall that is never there',
    'aws/infra/firewall.yml',
    "{ Ref: Firewall }, 'on'",
    "{ Ref: Canary }, 'never'",
  ),
  mistake('an origin that does not exist', 'aws/infra/edge.yml', 'TargetOriginId: objects', 'TargetOriginId: object'),
  mistake('objects for everybody', 'aws/infra/edge.yml', '          TrustedKeyGroups: [{ Ref: EdgeKeyGroup }]\n', ''),
  mistake(
    'a cache that mixes answers up',
    'aws/infra/edge.yml',
    '[response-content-type, response-content-disposition]',
    '[response-content-type]',
  ),
  mistake(
    'people without a second factor',
    'aws/infra/identity.yml',
    "MfaConfiguration: 'ON'",
    'MfaConfiguration: OPTIONAL',
  ),
  mistake('a short password', 'aws/infra/identity.yml', 'MinimumLength: 14', 'MinimumLength: 8'),
  mistake('backups that can be removed', 'aws/infra/backup.yml', 'MinRetentionDays: 35', 'MinRetentionDays: 1'),
  mistake('a backup of one table', 'aws/infra/backup.yml', '          - Fn::GetAtt: [SiteTable, Arn]\n', ''),
  mistake(
    'a record that nobody probes',
    'aws/infra/dns.yml',
    '      Failover: SECONDARY\n      HealthCheckId: { Ref: PeerHealth }\n',
    '      Failover: SECONDARY\n',
  ),
  mistake(
    'an alarm with a figure of its own',
    'aws/infra/alarms.yml',
    'Threshold: ${file(infra/alarms.json):feed-age.threshold}',
    'Threshold: 86400000',
  ),
  mistake(
    'an alarm that nobody hears',
    'aws/infra/alarms.yml',
    '      TreatMissingData: ${file(infra/alarms.json):breaker.missing}\n      AlarmActions: [{ Ref: PageTopic }]\n',
    '      TreatMissingData: ${file(infra/alarms.json):breaker.missing}\n',
  ),
  mistake(
    'an alarm on a metric that is not sent',
    'infra/alarms.json',
    '"metric": "feedAgeMs"',
    '"metric": "feedAgeSeconds"',
  ),
  mistake('a route that the gateway does not know', 'aws/infra/api-document.json', '"/v1/changes"', '"/v1/change"'),
  mistake('a function without its binaries', 'serverless.yml', ", 'dist/node_modules/**'", ''),
  mistake('a function without its program', 'serverless.yml', ", 'dist/ffmpeg/linux-arm64/**'", ''),
  mistake('a program that is not where it is', 'aws/infra/ffmpeg-on.yml', '/var/task/dist/ffmpeg', '/opt/ffmpeg'),
  mistake('a schedule for an unknown task', 'serverless.yml', 'input: { task: sweep }', 'input: { task: sweeps }'),
  mistake(
    'anybody of the other cloud',
    logs,
    ',\n          "sts.windows.net/${EntraTenantId}/:sub":"${LogReaderSubject}"',
    '',
  ),
  mistake('a subject with a wildcard', logs, ':sub":"${LogReaderSubject}"', ':sub":"*"'),
  mistake('tokens made for others', logs, ':aud":"${LogReaderAudience}"', ':oid":"${LogReaderAudience}"'),
  mistake('conditions that are not exact', logs, '{"StringEquals":', '{"StringLike":'),
  mistake('a provider for any audience', logs, 'ClientIdList: [{ Ref: LogReaderAudience }]', "ClientIdList: ['*']"),
  mistake('a role for a whole account', logs, '{"Federated":"${EntraProvider}"}', '{"AWS":"*"}'),
  mistake(
    'objects for the other cloud',
    logs,
    'Fn::Sub: ${LogsBucket.Arn}/logs/*',
    'Fn::Sub: ${ObjectsBucket.Arn}/logs/*',
  ),
  mistake('logs that stay behind', logs, 'LogGroupName: { Ref: TimerLogGroup }', 'LogGroupName: { Ref: JobLogGroup }'),
  mistake('logs that nobody can read', logs, 'Type: Decompression', 'Type: Lambda'),
  mistake(
    'a bucket that takes old TLS',
    policies,
    'Resource: *failures\n            Condition: *oldTls',
    'Resource: *failures\n            Condition: *plain',
  ),
  mistake(
    'objects that others remove',
    policies,
    '              Fn::Sub: ${ObjectsBucket.Arn}/*\n            Condition: &notTheExecutor',
    '              Fn::Sub: ${ObjectsBucket.Arn}/other/*\n            Condition: &notTheExecutor',
  ),
  mistake(
    'versions that anybody removes',
    policies,
    'Action: [s3:DeleteObject, s3:DeleteObjectVersion]\n            Resource:\n              Fn::Sub: ${VaultBucket.Arn}/*',
    'Action: [s3:DeleteObject]\n            Resource:\n              Fn::Sub: ${VaultBucket.Arn}/*',
  ),
  mistake(
    'parts that are paid for ever',
    buckets,
    '            AbortIncompleteMultipartUpload:\n              DaysAfterInitiation: 7\n          - Id: forget-old',
    '            ExpirationInDays: 7\n          - Id: forget-old',
  ),
  mistake('a bucket that pages cannot upload to', buckets, '[GET, HEAD, PUT]', '[GET, HEAD]'),
  mistake(
    'a queue without TLS',
    queues,
    '        - Ref: JobsDeadLetterQueue\n        - Ref: UploadEventsDeadLetterQueue',
    '        - Ref: JobsDeadLetterQueue',
  ),
  mistake(
    'a secret in the template',
    environment,
    "'{{resolve:secretsmanager:${self:service}/${sls:stage}:SecretString:cursorKey}}'",
    'AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=',
  ),
  mistake(
    'an upload that acts as a page',
    edge,
    "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "style-src 'unsafe-inline'",
  ),
  mistake('two primaries', dns, 'Failover: SECONDARY', 'Failover: PRIMARY'),
  mistake('a weight for one site alone', dns, 'Weight: { Ref: PeerWeight }', 'Weight: { Ref: SiteWeight }'),
  mistake(
    'a probe of the wrong site',
    dns,
    'FullyQualifiedDomainName: { Ref: PeerDomain }',
    'FullyQualifiedDomainName: { Ref: ApiDomain }',
  ),
  mistake(
    'a site that is alone and leads away',
    dns,
    "      - Fn::Not:\n          - Fn::Equals: [{ Ref: PeerTarget }, '']\n",
    '',
  ),
  mistake('a record that leads nowhere', dns, '    Condition: IsWeightedToPeer\n', '    Condition: IsWeighted\n'),
  mistake(
    'a way that cannot be chosen',
    'aws/infra/parameters.yml',
    '[failover, weighted, latency]',
    '[failover, weighted]',
  ),
  mistake('an output that the other site waits for', outputs, '  FunctionRoles:\n', '  Roles:\n'),
  mistake('a function that the other site refuses', outputs, '          - Fn::GetAtt: [TimerRole, Arn]\n', ''),
  mistake('a variable that stays behind', workflow, '          ROUTING: ${{ vars.ROUTING }}\n', ''),
  mistake('a variable that nobody reads', workflow, 'PEER_TARGET: ${{', 'PEER_TARGETS: ${{'),
  mistake('a variable that no guide names', 'docs/deploy.md', '`HTTP_CONCURRENCY`', 'The concurrency'),
  mistake('a picture of nothing', dashboard, '"replicationLagP99Ms"', '"replicationLag"'),
  mistake(
    'a function that nobody looks at',
    dashboard,
    ',["AWS/Lambda","Errors","FunctionName","${self:service}-${sls:stage}-timer"]',
    '',
  ),
]
