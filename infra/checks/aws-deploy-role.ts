import { parse } from 'yaml'
import { at, type Json, listOf, objectOf, parseCloudFormation, textOf } from '../cloudformation.ts'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'
import { actionExists, type Statement, statementsOf } from './aws-iam-actions.ts'

const file = 'aws/infra/bootstrap/deploy-role.yml'
const host = 'token.actions.githubusercontent.com'

/** What a deployment never needs, and nobody who takes it over may do. */
const never = [
  'backup:DeleteBackupVault',
  'backup:DeleteRecoveryPoint',
  'cloudformation:DeleteStack',
  'cognito-idp:DeleteUserPool',
  'dynamodb:DeleteItem',
  'dynamodb:DeleteTable',
  'dynamodb:GetItem',
  'iam:CreateAccessKey',
  'iam:CreateUser',
  'kms:Decrypt',
  'kms:ScheduleKeyDeletion',
  'logs:DeleteLogGroup',
  's3:BypassGovernanceRetention',
  's3:DeleteBucket',
  's3:DeleteObject',
  's3:DeleteObjectVersion',
  'sqs:DeleteQueue',
]

/** The service as actions name it, where CloudFormation names it otherwise. */
const services: Readonly<Record<string, string>> = { cognito: 'cognito-idp', kinesisfirehose: 'firehose' }

const finding = (rule: string, problem: string, cure: string): Finding => ({ file, rule: `aws/${rule}`, problem, cure })

/** The role in which the pipelines deploy: who may take it, that it reaches every service, and removes nothing that lasts. */
export async function checkAwsDeployRole(sources: Sources): Promise<Finding[]> {
  const role = parseCloudFormation(sources.path(file), JSON.stringify(parse(await sources.text(file))))
  const statements = statementsOf(role)
  const trust = statements.filter(({ actions }) => actions.includes('sts:AssumeRoleWithWebIdentity'))
  const allowed = statements.filter((one) => one.statement.Effect === 'Allow' && !trust.includes(one))
  const patterns = allowed.flatMap(({ actions }) => actions)
  const { resources } = await sources.template()
  const used = new Set(resources.map(({ type }) => type.split('::')[1]?.toLowerCase() ?? ''))
  const exist = await Promise.all(patterns.map(actionExists))
  const lacking = [...used].filter((name) => !patterns.some((one) => one.startsWith(`${services[name] ?? name}:`)))
  return [
    ...(trust.length === 1 ? trust.flatMap(trustFindings) : [finding('deploy-trust', 'many ways lead in', 'keep one')]),
    ...patterns
      .filter((_, index) => !exist[index])
      .map((name) => finding('iam-action', `there is no action ${name}`, 'correct it')),
    ...never
      .filter((action) => patterns.some((pattern) => covers(pattern, action)))
      .map((action) => finding('deploy-destroys', `it may ${action}`, 'a deployment needs no such thing: take it out')),
    ...lacking.map((name) => finding('deploy-lacks', `it may do nothing with ${name}`, 'allow what the stack needs')),
    ...denialFindings(statements),
  ]
}

const covers = (pattern: string, action: string): boolean =>
  new RegExp(`^${pattern.replaceAll('*', '.*')}$`, 'i').test(action)

/** One environment, whose reviewers GitHub asks, and not any branch or pull request of the repository. */
function trustFindings({ statement }: Statement): Finding[] {
  const conditions = objectOf(at(statement, 'Condition'))
  const exact = objectOf(conditions.StringEquals)
  const subject = textOf(at(exact[`${host}:sub`], 'Fn::Sub'))
  const isExact = Object.keys(conditions).join() === 'StringEquals' && exact[`${host}:aud`] === 'sts.amazonaws.com'
  return isExact && subject === 'repo:${Repository}:environment:${Stage}'
    ? []
    : [finding('deploy-trust', 'others may take it', 'demand audience and environment by StringEquals')]
}

/** Whoever may change its own rights has all rights. */
function denialFindings(statements: readonly Statement[]): Finding[] {
  const denied = statements.filter(({ statement, actions }) => statement.Effect === 'Deny' && actions.includes('iam:*'))
  const text = JSON.stringify(denied.flatMap(({ statement }) => listOf(statement.Resource as Json)))
  return ['${Stage}-deploy"', '${Stage}-purge-executor"']
    .filter((name) => !text.includes(name))
    .map((name) => finding('deploy-itself', `it may change the rights of ${name.slice(0, -1)}`, 'deny iam:* on it'))
}
