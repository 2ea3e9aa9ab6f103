import { type CfnResource, listOf, objectOf } from '../cloudformation.ts'
import { equals, isThere, lasting, references, type Requirement } from './requirement.ts'

/** The framework's own, which holds packages that can be made again. */
const isFrameworks = ({ id }: CfnResource): boolean => id === 'ServerlessDeploymentBucket'

/** S3 delivers access logs to a bucket with keys of its own alone. */
const takesNoKey = (bucket: CfnResource): boolean => isFrameworks(bucket) || bucket.id === 'AccessLogsBucket'

const isNotVault = ({ id }: CfnResource): boolean => id !== 'VaultBucket'

const kept = (type: string): Requirement[] =>
  ['DeletionPolicy', 'UpdateReplacePolicy'].map((name) => ({
    rule: 'kept',
    type,
    path: [name],
    holds: equals('Retain'),
    problem: 'data would go with the stack',
    cure: `set ${name} to Retain`,
    unless: isFrameworks,
  }))

const tables = (
  rule: string,
  path: readonly string[],
  holds: Requirement['holds'],
  problem: string,
  cure: string,
): Requirement => ({ rule, type: 'AWS::DynamoDB::Table', path: ['Properties', ...path], holds, problem, cure })

const buckets = (
  rule: string,
  path: readonly (string | number)[],
  holds: Requirement['holds'],
  problem: string,
  cure: string,
  unless: Requirement['unless'] = isFrameworks,
): Requirement => ({ rule, type: 'AWS::S3::Bucket', path: ['Properties', ...path], holds, problem, cure, unless })

const encryption = ['BucketEncryption', 'ServerSideEncryptionConfiguration', 0, 'ServerSideEncryptionByDefault']

export const storeRequirements: readonly Requirement[] = [
  ...kept('AWS::DynamoDB::Table'),
  ...kept('AWS::S3::Bucket'),
  ...kept('AWS::KMS::Key'),
  tables('table-protected', ['DeletionProtectionEnabled'], equals(true), 'one call deletes it', 'set it to true'),
  tables(
    'table-restorable',
    ['PointInTimeRecoverySpecification', 'PointInTimeRecoveryEnabled'],
    equals(true),
    'it cannot go back in time',
    'enable point-in-time recovery',
  ),
  tables('table-key', ['SSESpecification', 'KMSMasterKeyId'], references('DataKey'), 'not our key', 'name DataKey'),
  tables('table-on-demand', ['BillingMode'], equals('PAY_PER_REQUEST'), 'it costs while idle', 'use PAY_PER_REQUEST'),
  tables('table-throughput', ['ProvisionedThroughput'], (value) => !isThere(value), 'unused', 'remove it'),
  {
    ...tables('table-stream', ['StreamSpecification', 'StreamViewType'], equals('NEW_AND_OLD_IMAGES'), '', ''),
    problem: 'the change feed needs both images',
    cure: 'set StreamViewType to NEW_AND_OLD_IMAGES',
    unless: ({ id }) => id !== 'RecordsTable',
  },
  {
    ...tables('table-indexes', ['GlobalSecondaryIndexes'], references('by-bucket'), '', ''),
    problem: 'reconcile reads by the index by-bucket',
    cure: 'declare it',
    unless: ({ id }) => id !== 'RecordsTable',
  },
  {
    ...tables(
      'table-expiry',
      ['TimeToLiveSpecification'],
      equals({ AttributeName: 'expiresAt', Enabled: true }),
      '',
      '',
    ),
    problem: 'what expires stays for ever',
    cure: 'enable TTL by expiresAt',
    unless: ({ id }) => id !== 'SiteTable',
  },
  buckets('bucket-versions', ['VersioningConfiguration', 'Status'], equals('Enabled'), 'it forgets', 'enable versions'),
  ...['BlockPublicAcls', 'BlockPublicPolicy', 'IgnorePublicAcls', 'RestrictPublicBuckets'].map((name) =>
    buckets('bucket-public', ['PublicAccessBlockConfiguration', name], equals(true), 'it may be public', `set ${name}`),
  ),
  ...[
    { name: 'SSEAlgorithm', holds: equals('aws:kms') },
    { name: 'KMSMasterKeyID', holds: references('DataKey') },
  ].map(({ name, holds }) =>
    buckets('bucket-key', [...encryption, name], holds, 'not our key', 'encrypt by aws:kms with DataKey', takesNoKey),
  ),
  buckets(
    'bucket-cors',
    ['CorsConfiguration', 'CorsRules'],
    (rules) => listOf(rules).every((rule) => !references('*')(objectOf(rule).AllowedOrigins)),
    'any page may read what it can sign for',
    'take the origins from ALLOWED_ORIGINS',
  ),
  buckets(
    'bucket-lock',
    ['ObjectLockEnabled', ...lasting],
    equals(true),
    'its versions can be suspended, or the vault emptied',
    'enable Object Lock',
    ({ id }) => !['UploadsBucket', 'ObjectsBucket', 'VaultBucket'].includes(id),
  ),
  buckets(
    'vault-lock',
    ['ObjectLockConfiguration', ...lasting, 'Rule', 'DefaultRetention'],
    (value) => objectOf(value).Mode === 'COMPLIANCE' && Number(objectOf(value).Days) >= 35,
    'somebody with rights can empty it, or too early',
    'set the default retention to COMPLIANCE, 35 days',
    isNotVault,
  ),
  buckets(
    'vault-lock',
    ['ObjectLockEnabled'],
    (_, __, { conditions }) => ['staging', 'production'].every((stage) => references(stage)(conditions.IsLasting)),
    'a stage that is there to stay has no lock',
    'let IsLasting name dev, staging and production',
    isNotVault,
  ),
  {
    rule: 'bucket-tls',
    type: 'AWS::S3::Bucket',
    path: [],
    holds: (_, { id }, template) =>
      template.resources
        .filter(({ type, properties }) => type === 'AWS::S3::BucketPolicy' && references(id)(properties.Bucket))
        .some(({ properties }) => references('aws:SecureTransport')(properties)),
    problem: 'it may be read without encryption',
    cure: 'give it a policy that denies what is not aws:SecureTransport',
  },
]
