import { at, type CloudFormation, listOf, referenceOf } from '../cloudformation.ts'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'
import { isDestructive } from './aws-destructive.ts'
import { type Statement, statementsOf } from './aws-iam-actions.ts'

/** The one role that may remove what versioning keeps. */
const purgeExecutor = 'PurgeExecutorRole'

/** Actions that know no resource. */
const withoutResource: ReadonlySet<string> = new Set([
  'xray:PutTraceSegments',
  'xray:PutTelemetryRecords',
  'dynamodb:ListStreams',
  'sts:GetWebIdentityToken',
  'rekognition:DetectLabels',
  'rekognition:DetectText',
  'rekognition:DetectFaces',
  'rekognition:DetectModerationLabels',
])

type Rule = (statement: Statement) => Omit<Finding, 'file'> | undefined

const rules: readonly Rule[] = [
  ({ id, actions }) => {
    const wild = actions.find((action) => action.includes('*'))
    return wild === undefined
      ? undefined
      : { rule: 'aws/iam-wildcard', problem: `${id} allows ${wild}`, cure: 'name the actions that the handler calls' }
  },
  ({ id, actions }) => {
    const found = actions.find((action) => isDestructive(action))
    return found === undefined || id === purgeExecutor
      ? undefined
      : { rule: 'aws/iam-destroys', problem: `${id} allows ${found}`, cure: `only ${purgeExecutor} may: take it out` }
  },
  ({ id, actions, statement }) => {
    const isErasing = actions.some((action) => action === 'dynamodb:DeleteItem' || action === 'dynamodb:BatchWriteItem')
    return isErasing && listOf(statement.Resource).some((resource) => referenceOf(resource) === 'RecordsTable')
      ? { rule: 'aws/records-erased', problem: `${id} may erase records`, cure: 'records are deleted by tombstones' }
      : undefined
  },
  ({ id, actions, statement }) => {
    const isErasing = actions.includes('s3:DeleteObject')
    const outside = listOf(statement.Resource).some(
      (resource) => at(resource, 'Fn::Sub') !== '${UploadsBucket.Arn}/uploads/*',
    )
    return isErasing && outside && id !== purgeExecutor
      ? {
          rule: 'aws/objects-removed',
          problem: `${id} may remove more than staged uploads`,
          cure: 'name uploads/* alone',
        }
      : undefined
  },
  ({ id, actions, statement }) => {
    const everywhere = listOf(statement.Resource).includes('*')
    return everywhere && !actions.every((action) => withoutResource.has(action))
      ? { rule: 'aws/iam-everywhere', problem: `${id} allows ${actions[0]} on everything`, cure: 'name the resource' }
      : undefined
  },
  ({ id, actions, statement }) => {
    const bound = at(statement, 'Condition', 'ForAllValues:StringEquals', 'sts:IdentityTokenAudience')
    return actions.includes('sts:GetWebIdentityToken') && listOf(bound).length === 0
      ? {
          rule: 'aws/token-audience',
          problem: `${id} may have tokens for any audience`,
          cure: 'name the audience of the other site',
        }
      : undefined
  },
]

/** That roles and policies allow what is named, where it is named, and nothing that destroys. */
export async function checkAwsRoles(sources: Sources): Promise<Finding[]> {
  const template = await sources.template()
  const granted = statementsOf(template).filter(
    ({ type, statement }) =>
      ['AWS::IAM::Role', 'AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy'].includes(type) && statement.Effect === 'Allow',
  )
  const findings = granted.flatMap((statement) =>
    rules.flatMap((rule) => {
      const found = rule(statement)
      return found ? [{ ...found, id: statement.id }] : []
    }),
  )
  const placed = findings.map(async ({ id, ...finding }) => ({ file: await sources.fileOf(id), ...finding }))
  return [...(await Promise.all(placed)), ...ownRoles(template)]
}

/** A function that shares a role has what the other one needs. */
function ownRoles(template: CloudFormation): Finding[] {
  const users = new Map<string, string[]>()
  for (const { id, type, properties } of template.resources) {
    if (type !== 'AWS::Lambda::Function') continue
    const role = referenceOf(properties.Role) ?? 'none'
    users.set(role, [...(users.get(role) ?? []), id])
  }
  return [...users].flatMap(([role, ids]) =>
    ids.length === 1
      ? []
      : [
          {
            file: 'serverless.yml',
            rule: 'aws/shared-role',
            problem: `${ids.join(' and ')} share ${role}`,
            cure: 'give each function a role of its own in aws/infra/roles.yml',
          },
        ],
  )
}
