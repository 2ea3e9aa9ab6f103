import { readdir } from 'node:fs/promises'
import type { CfnResource } from '../cloudformation.ts'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'
import { statementsOf, trustOf } from './aws-iam-actions.ts'

/** The action that each command of an SDK needs, where it is not of the command's own name. */
const actionsOf: Readonly<Record<string, string>> = {
  HeadObject: 's3:GetObject',
  ListObjectsV2: 's3:ListBucket',
  CopyObject: 's3:PutObject',
  CreateMultipartUpload: 's3:PutObject',
  UploadPart: 's3:PutObject',
  UploadPartCopy: 's3:PutObject',
  CompleteMultipartUpload: 's3:PutObject',
  ListParts: 's3:ListMultipartUploadParts',
  TransactWriteItems: 'dynamodb:PutItem',
}

const services: Readonly<Record<string, string>> = {
  'client-dynamodb': 'dynamodb',
  'client-s3': 's3',
  'client-sqs': 'sqs',
}

/** What a function's surroundings need rather than its code: logs, traces, keys, streams, queues, copies with tags. */
const notOfCode =
  /^(logs|xray|kms|sts|backup):|^dynamodb:(DescribeStream|GetRecords|GetShardIterator|ListStreams)$|^sqs:(ReceiveMessage|DeleteMessage|ChangeMessageVisibility)$|^s3:(Get|Put)ObjectTagging$/

/** Calls that are signed by hand name the service's API and the call. */
const signing = /'RekognitionService\.(\w+)'/g

const importing = /import \{([^}]+)\} from '@aws-sdk\/(client-[\w-]+)'/g

/** A role that no function takes: that of a service of the cloud, or of somebody outside. */
const isOfService = ({ type, properties }: CfnResource): boolean =>
  type === 'AWS::IAM::Role' && !JSON.stringify(trustOf(properties) ?? null).includes('"lambda.amazonaws.com"')

/** That roles grant each action that the adapters' calls need, and none that no call needs. */
export async function checkAwsGrants(sources: Sources): Promise<Finding[]> {
  const needed = await neededActions(sources)
  const granted = new Map<string, string>()
  const template = await sources.template()
  const services = new Set(template.resources.filter(isOfService).map(({ id }) => id))
  for (const { id, type, actions } of statementsOf(template)) {
    if ((type !== 'AWS::IAM::Role' && type !== 'AWS::IAM::Policy') || services.has(id)) continue
    for (const action of actions) granted.set(action, id)
  }
  const missing = [...needed].filter(([action]) => !granted.has(action))
  const idle = [...granted].filter(([action]) => !needed.has(action) && !notOfCode.test(action))
  const rule = (name: string, problem: string, cure: string): Finding => ({
    file: 'aws/infra/roles.yml',
    rule: `aws/${name}`,
    problem,
    cure,
  })
  return [
    ...missing.map(([action, file]) =>
      rule('not-granted', `${file} needs ${action}`, 'grant it to whose handler calls'),
    ),
    ...idle.map(([action, id]) => rule('granted-idly', `${id} may ${action}, and no code does`, 'take it out')),
  ]
}

/** By action, the first file that needs it. */
async function neededActions(sources: Sources): Promise<Map<string, string>> {
  const needed = new Map<string, string>()
  for (const name of await readdir(sources.path('aws/adapters'))) {
    const text = await sources.text(`aws/adapters/${name}`)
    for (const [, call = ''] of text.matchAll(signing)) needed.set(`rekognition:${call}`, `aws/adapters/${name}`)
    for (const [, names = '', client = ''] of text.matchAll(importing)) {
      for (const [, command = ''] of names.matchAll(/(?<!type )\b(\w+)Command\b/g)) {
        needed.set(actionsOf[command] ?? `${services[client]}:${command}`, `aws/adapters/${name}`)
      }
    }
  }
  return needed
}
