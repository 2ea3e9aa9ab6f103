/** A rule of cdk-nag that is right in general and not here: for exactly these resources, and why. */
export interface Suppression {
  readonly rule: string
  readonly logicalIds: readonly string[]
  readonly reason: string
}

const here = (rule: string, logicalIds: string, reason: string): Suppression => ({
  rule,
  logicalIds: logicalIds.split(' '),
  reason,
})

const groups = 'arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:/aws/lambda/catamaran-dev-'
const log = (name: string): string => `AwsSolutions-IAM5[Resource::${groups}${name}:*]`
const managed = (name: string): string =>
  `AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/${name}]`

const functions =
  'HttpLambdaFunction ChangeFeedLambdaFunction ObjectCreatedLambdaFunction JobLambdaFunction TimerLambdaFunction'
const functionRoles = 'HttpRole ChangeFeedRole ObjectCreatedRole JobRole TimerRole'
const storeRoles = 'HttpRole ChangeFeedRole JobRole TimerRole'
const names =
  'Objects are named while the site runs; the bucket is one, and so is the folder in it, where there is one.'
const streams = 'Lambda names the streams in this one log group of the function.'
const deadLetters =
  'What calls it keeps what failed: the mapping in the queue of dead letters or the bucket of failures, the API by ' +
  'telling the caller; the clock calls again within a minute.'
const bounded = 'What calls it is bounded: the mapping by MaximumConcurrency, the stream by one batch a shard.'
const parameter = 'The number is a parameter, which the rule cannot follow; the template gives one.'
const framework = "The framework's own, which holds packages that can be made again from the commit."

/** All that cdk-nag may go on saying of the packaged template. What is not here is a finding, and what is in vain. */
export const suppressions: readonly Suppression[] = [
  // Stores
  here('AwsSolutions-S1', 'ServerlessDeploymentBucket', framework),
  here('NIST.800.53.R5-S3BucketLoggingEnabled', 'ServerlessDeploymentBucket', framework),
  here(
    'NIST.800.53.R5-S3BucketReplicationEnabled',
    'UploadsBucket VaultBucket FailuresBucket LogsBucket AccessLogsBucket ServerlessDeploymentBucket',
    'Objects are copied to the other cloud and to the vault, which is the copy; what is in the others goes after a time.',
  ),
  here('NIST.800.53.R5-S3BucketVersioningEnabled', 'ServerlessDeploymentBucket', framework),
  here('NIST.800.53.R5-S3DefaultEncryptionKMS', 'ServerlessDeploymentBucket', framework),
  here(
    'NIST.800.53.R5-S3DefaultEncryptionKMS',
    'AccessLogsBucket',
    'S3 delivers access logs to a bucket with keys of its own alone.',
  ),
  // Roles
  here('AwsSolutions-IAM5[Resource::<UploadsBucket.Arn>/*]', storeRoles, names),
  here('AwsSolutions-IAM5[Resource::<ObjectsBucket.Arn>/*]', storeRoles, names),
  here('AwsSolutions-IAM5[Resource::<UploadsBucket.Arn>/uploads/*]', storeRoles, names),
  here('AwsSolutions-IAM5[Resource::<UploadsBucket.Arn>/uploads/*/film-*]', 'JobRole', names),
  here('AwsSolutions-IAM5[Resource::<UploadsBucket.Arn>/drop/*]', 'ObjectCreatedRole', names),
  here('AwsSolutions-IAM5[Resource::<ObjectsBucket.Arn>/objects/*]', 'JobRole', names),
  here('AwsSolutions-IAM5[Resource::<FailuresBucket.Arn>/*]', 'ChangeFeedRole', names),
  here('AwsSolutions-IAM5[Resource::<VaultBucket.Arn>/*]', 'VaultRole', names),
  here(
    'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::catamaran-dev-objects-<AWS::AccountId>/objects/*]',
    'VaultRole',
    names,
  ),
  here('AwsSolutions-IAM5[Resource::<LogsBucket.Arn>/*]', 'LogDeliveryRole', names),
  here('AwsSolutions-IAM5[Resource::<LogsBucket.Arn>/logs/*]', 'LogReaderRole', names),
  here(
    'AwsSolutions-IAM5[Resource::<RecordsTable.Arn>/index/*]',
    functionRoles,
    'The indexes of the one table, which hold no more than the table.',
  ),
  here(log('http'), 'HttpRole', streams),
  here(log('change-feed'), 'ChangeFeedRole', streams),
  here(log('object-created'), 'ObjectCreatedRole', streams),
  here(log('job'), 'JobRole', streams),
  here(log('timer'), 'TimerRole', streams),
  here(
    'AwsSolutions-IAM5[Resource::*]',
    `${functionRoles} AnalysisPolicy`,
    'X-Ray, STS tokens and Rekognition name no resource; the tokens are bounded by audience and duration.',
  ),
  here(
    'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:cloudwatch:<AWS::Region>:<AWS::AccountId>:alarm:catamaran-dev-*]',
    'CanaryRole',
    'The alarms of this stage, which it only reads.',
  ),
  here(
    managed('AmazonAPIGatewayPushToCloudWatchLogs'),
    'ApiLogRole',
    'API Gateway takes the role of the account only with what this policy says, which Amazon keeps up.',
  ),
  here(
    managed('AWSBackupServiceRolePolicyForBackup'),
    'BackupRole',
    'AWS Backup tells its needs by this policy and changes them by it; the selection names the two tables.',
  ),
  here(
    'NIST.800.53.R5-IAMNoInlinePolicy',
    `${functionRoles} AnalysisPolicy VaultRole LogDeliveryRole LogSubscriptionRole LogReaderRole CanaryRole`,
    'Each function has a role of its own, and no policy is for two of them: inline, none can be attached elsewhere.',
  ),
  here(
    'Serverless-LambdaStarPermissions',
    functionRoles,
    'It takes the star at the end of a name for one; AwsSolutions-IAM5 above has each by itself.',
  ),
  // Functions
  here('Serverless-LambdaDLQ', functions, deadLetters),
  here('NIST.800.53.R5-LambdaDLQ', functions, deadLetters),
  here(
    'Serverless-EventBusDLQ',
    'TimerEventsRuleSchedule1 TimerEventsRuleSchedule2 TimerEventsRuleSchedule3',
    deadLetters,
  ),
  here(
    'Serverless-LambdaEventSourceMappingDestination',
    'JobMapping ObjectCreatedMapping',
    'Of a queue: what failed five times goes to its dead letters, and Lambda knows no other destination for it.',
  ),
  here(
    'Serverless-SQSRedrivePolicy',
    'JobsDeadLetterQueue UploadEventsDeadLetterQueue',
    'They are where dead letters go, and an alarm watches them.',
  ),
  here(
    'NIST.800.53.R5-LambdaConcurrency',
    'ChangeFeedLambdaFunction ObjectCreatedLambdaFunction JobLambdaFunction',
    bounded,
  ),
  here(
    'CdkNagValidationFailure[NIST.800.53.R5-LambdaConcurrency]',
    'HttpLambdaFunction TimerLambdaFunction',
    parameter,
  ),
  here(
    'NIST.800.53.R5-LambdaInsideVPC',
    functions,
    'They reach services, and the other cloud, by public names: a network of their own would need gateways to that.',
  ),
  // Gateways
  here(
    'AwsSolutions-APIG2',
    'ApiGatewayRestApi',
    "The API's document turns validation on, where the rule does not look: see the check aws-api.",
  ),
  here(
    'NIST.800.53.R5-APIGWCacheEnabledAndEncrypted',
    'ApiStage',
    'Answers differ by key and by what was just written: nothing is cached, so nothing lies in a cache unencrypted.',
  ),
  here(
    'NIST.800.53.R5-APIGWSSLEnabled',
    'ApiStage',
    'A certificate of the client is for backends reached by HTTP; Lambda is called by its own signed interface.',
  ),
  here(
    'AwsSolutions-CFR1',
    'EdgeDistribution',
    'Whoever was given a signed address may read from anywhere; countries are for whoever signs.',
  ),
  here(
    'AwsSolutions-CFR2',
    'EdgeDistribution',
    'It answers GET and HEAD of signed addresses from one bucket, no code of ours: the firewall stands before the API.',
  ),
  here(
    'AwsSolutions-CFR3',
    'EdgeDistribution',
    'Who may read is said by the API when it signs; what the edge does not hold it reads with a line in the access log.',
  ),
  here(
    'AwsSolutions-CFR4',
    'EdgeDistribution',
    "With a domain TLSv1.2_2021, held by edge-tls; without one it is CloudFront's own name, which has no choice.",
  ),
  // People
  here(
    'AwsSolutions-COG8',
    'UserPool',
    'The plus tier is paid for each person; a second factor is asked of everybody, and nobody signs up by themselves.',
  ),
]
