import {
  at,
  type CfnResource,
  type CloudFormation,
  type Json,
  listOf,
  objectOf,
  referenceOf,
} from '../cloudformation.ts'
import { equals, isThere, property, references, type Requirement } from './requirement.ts'

const bucket = 'AWS::S3::Bucket'
const isFrameworks = ({ id }: CfnResource): boolean => id === 'ServerlessDeploymentBucket'
/** What holds the objects themselves. */
const holdsObjects = ['ObjectsBucket', 'VaultBucket']
const holdsData = [...holdsObjects, 'UploadsBucket']

/** The statements that deny something to everybody in the policies of a bucket or a queue. */
const denials = ({ resources }: CloudFormation, type: string, id: string): Json[] =>
  resources
    .filter((each) => each.type === type)
    .filter(({ properties }) => references(id)(properties.Bucket) || references(id)(properties.Queues))
    .flatMap(({ properties }) => listOf(at(properties, 'PolicyDocument', 'Statement')))
    .filter((statement) => at(statement, 'Effect') === 'Deny' && at(statement, 'Principal') === '*')

const secret = /(PRIVATE_KEY|SECRET|PASSWORD)$/

/** What keeps data from being read on its way, and from being removed. */
export const protectionRequirements: readonly Requirement[] = [
  {
    rule: 'bucket-tls',
    type: bucket,
    path: [],
    holds: (_, { id }, template) =>
      denials(template, 'AWS::S3::BucketPolicy', id).some((one) => references('s3:TlsVersion')(at(one, 'Condition'))),
    problem: 'it takes TLS older than 1.2',
    cure: 'deny what s3:TlsVersion says is older, for the bucket and all in it',
    unless: isFrameworks,
  },
  {
    rule: 'bucket-kept',
    type: bucket,
    path: [],
    holds: (_, { id }, template) =>
      denials(template, 'AWS::S3::BucketPolicy', id).some(
        (one) =>
          equals(['s3:DeleteObject', 's3:DeleteObjectVersion'])(at(one, 'Action')) &&
          equals({ 'Fn::Sub': `\${${id}.Arn}/*` })(at(one, 'Resource')) &&
          Object.keys(objectOf(at(one, 'Condition'))).join() === 'ArnNotLike' &&
          JSON.stringify(at(one, 'Condition')).includes('-purge-executor"'),
      ),
    problem: 'objects can be removed by others than the purge executor',
    cure: 'deny s3:DeleteObject and s3:DeleteObjectVersion to everybody else',
    unless: ({ id }) => !holdsObjects.includes(id),
  },
  {
    ...property(
      bucket,
      'bucket-lifecycle',
      ['LifecycleConfiguration', 'Rules'],
      (rules) => listOf(rules).some((rule) => isThere(at(rule, 'AbortIncompleteMultipartUpload'))),
      'parts of uploads that broke off are paid for ever',
      'abort them after days',
    ),
    unless: ({ id }) => !holdsData.includes(id),
  },
  {
    ...property(
      bucket,
      'bucket-uploads',
      ['CorsConfiguration', 'CorsRules'],
      (rules) =>
        listOf(rules).some(
          (rule) =>
            listOf(at(rule, 'AllowedMethods')).includes('PUT') && listOf(at(rule, 'ExposedHeaders')).includes('ETag'),
        ),
      'a page cannot upload to it in parts',
      'allow PUT, and expose ETag',
    ),
    unless: ({ id }) => id !== 'UploadsBucket',
  },
  {
    rule: 'queue-tls',
    type: 'AWS::SQS::Queue',
    path: [],
    holds: (_, { id }, template) =>
      denials(template, 'AWS::SQS::QueuePolicy', id).some((one) =>
        equals({ Bool: { 'aws:SecureTransport': 'false' } })(at(one, 'Condition')),
      ),
    problem: 'it may be used without encryption',
    cure: 'give it a policy that denies what is not aws:SecureTransport',
  },
  {
    rule: 'plain-secret',
    type: 'AWS::Lambda::Function',
    path: ['Properties', 'Environment', 'Variables'],
    holds: (variables) =>
      Object.entries(objectOf(variables)).every(
        ([name, value]) => !secret.test(name) || JSON.stringify(value).startsWith('"{{resolve:secretsmanager:'),
      ),
    problem: 'a secret stands in the template',
    cure: 'refer to Secrets Manager: {{resolve:secretsmanager:...}}',
    // The framework's own, if there is any.
    unless: ({ properties }) => referenceOf(properties.Role) === undefined,
  },
]
