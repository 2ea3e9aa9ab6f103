import { parse } from 'yaml'
import { at, type CloudFormation, type Json, listOf, objectOf, parseCloudFormation, textOf } from '../cloudformation.ts'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'
import { covers, removing, unsettling } from './aws-destructive.ts'
import { actionExists, type Statement, statementsOf } from './aws-iam-actions.ts'

const file = 'aws/infra/bootstrap/deploy-role.yml'
const host = 'token.actions.githubusercontent.com'

/** What a deployment never needs besides what removes for good, and nobody who takes it over may do. */
const never = [
  'cloudformation:DeleteStack',
  'cognito-idp:DeleteUserPool',
  'dynamodb:DeleteItem',
  'dynamodb:GetItem',
  'iam:CreateAccessKey',
  'iam:CreatePolicyVersion',
  'iam:CreateUser',
  'iam:DeleteRolePermissionsBoundary',
  'iam:SetDefaultPolicyVersion',
  'kms:Decrypt',
]

/** What gives a role rights, or takes what bounds it. */
const givesRights = ['iam:AttachRolePolicy', 'iam:CreateRole', 'iam:PutRolePermissionsBoundary', 'iam:PutRolePolicy']

/** The service as actions name it, where CloudFormation names it otherwise. */
const services: Readonly<Record<string, string>> = { cognito: 'cognito-idp', kinesisfirehose: 'firehose' }

const finding = (rule: string, problem: string, cure: string): Finding => ({ file, rule: `aws/${rule}`, problem, cure })

/** What an administrator makes once for each stage. */
export async function bootstrapOf(sources: Sources): Promise<CloudFormation> {
  return parseCloudFormation(sources.path(file), JSON.stringify(parse(await sources.text(file))))
}

/** Who deploys: who may take these roles, that they reach every service, and that neither removes what lasts. */
export async function checkAwsDeployRole(sources: Sources): Promise<Finding[]> {
  const bootstrap = await bootstrapOf(sources)
  const statements = statementsOf(bootstrap)
  const pipeline = allowedTo('DeployRole', bootstrap, statements)
  const keeper = allowedTo('KeeperRole', bootstrap, statements)
  return [
    ...trustFindings(statements),
    ...(await existenceFindings(statements)),
    ...overlaps('it', pipeline, [...never, ...(await removing()), ...(await unsettling())]),
    ...overlaps('the keeper', keeper, [...never, ...(await removing())]),
    ...(await lackFindings(sources, pipeline)),
    ...(await lackFindings(sources, keeper)),
    ...[...new Set([...pipeline, ...keeper])].flatMap(conditionFindings),
    ...denialFindings(statements),
  ]
}

/** What a role is allowed by policies of its own, and by those that it shares. */
function allowedTo(role: string, { resources }: CloudFormation, statements: readonly Statement[]): Statement[] {
  const { properties } = resources.find(({ id }) => id === role) ?? {}
  const shared = listOf(properties?.ManagedPolicyArns).map((policy) => at(policy, 'Ref'))
  return statements
    .filter(({ id }) => id === role || shared.includes(id))
    .filter(({ statement }) => statement.Effect === 'Allow' && statement.Principal === undefined)
}

const patternsOf = (statements: readonly Statement[]): string[] => statements.flatMap(({ actions }) => actions)

const overlaps = (who: string, statements: readonly Statement[], forbidden: readonly string[]): Finding[] =>
  forbidden
    .filter((action) => patternsOf(statements).some((pattern) => covers(pattern, action)))
    .map((action) =>
      finding('deploy-destroys', `${who} may ${action}`, 'a deployment needs no such thing: take it out'),
    )

async function lackFindings(sources: Sources, statements: readonly Statement[]): Promise<Finding[]> {
  const { resources } = await sources.template()
  const used = new Set(resources.map(({ type }) => type.split('::')[1]?.toLowerCase() ?? ''))
  const patterns = patternsOf(statements)
  return [...used]
    .filter((name) => !patterns.some((one) => one.startsWith(`${services[name] ?? name}:`)))
    .map((name) => finding('deploy-lacks', `it may do nothing with ${name}`, 'allow what the stack needs'))
}

/** IAM takes misspelt actions in silence, and refuses names of statements that hold anything but letters and digits. */
async function existenceFindings(statements: readonly Statement[]): Promise<Finding[]> {
  const patterns = patternsOf(statements)
  const exist = await Promise.all(patterns.map(actionExists))
  return [
    ...patterns
      .filter((_, index) => !exist[index])
      .map((name) => finding('iam-action', `there is no action ${name}`, 'correct it')),
    ...statements
      .map(({ statement }) => textOf(statement.Sid))
      .filter((name) => !/^[0-9A-Za-z]*$/.test(name))
      .map((name) => finding('iam-sid', `IAM refuses the name ${name}`, 'use letters and digits alone')),
  ]
}

/** One environment, whose reviewers GitHub asks, and not any branch or pull request; and one person. */
function trustFindings(statements: readonly Statement[]): Finding[] {
  const [pipeline, ...others] = statements.filter(({ actions }) => actions.includes('sts:AssumeRoleWithWebIdentity'))
  const people = statements.filter(({ actions }) => actions.includes('sts:AssumeRole'))
  const conditions = objectOf(at(pipeline?.statement, 'Condition'))
  const exact = objectOf(conditions.StringEquals)
  const subject = textOf(at(exact[`${host}:sub`], 'Fn::Sub'))
  const isExact = Object.keys(conditions).join() === 'StringEquals' && exact[`${host}:aud`] === 'sts.amazonaws.com'
  return [
    ...(others.length === 0 && isExact && subject === 'repo:${Repository}:environment:${Stage}'
      ? []
      : [finding('deploy-trust', 'others may take it', 'demand audience and environment by StringEquals')]),
    ...people
      .filter(({ statement }) => JSON.stringify(statement.Principal) !== '{"AWS":{"Ref":"Keeper"}}')
      .map(() => finding('deploy-trust', 'others than the keeper may take it', 'name the keeper alone')),
  ]
}

/** Rights are given to bounded roles alone, and the use of keys to services alone; what is removed is packages alone. */
function conditionFindings({ statement, actions }: Statement): Finding[] {
  const means = (...wanted: string[]): boolean =>
    actions.some((pattern) => wanted.some((action) => covers(pattern, action)))
  const condition = JSON.stringify(statement.Condition)
  const isBounded = condition === '{"StringEquals":{"iam:PermissionsBoundary":{"Ref":"Boundary"}}}'
  const isOfServices = condition === '{"Bool":{"kms:GrantIsForAWSResource":"true"}}'
  const isOfPackages = textOf(at(statement.Resource, 'Fn::Sub')).endsWith(':catamaran-${Stage}-serverless*/*')
  return [
    ...(means('s3:DeleteObject') && !isOfPackages
      ? [finding('deploy-destroys', 'it may remove objects', 'name the bucket with packages alone')]
      : []),
    ...(means(...givesRights) && !isBounded
      ? [finding('deploy-unbounded', 'it gives rights to roles without a boundary', 'demand iam:PermissionsBoundary')]
      : []),
    ...(means('kms:CreateGrant') && !isOfServices
      ? [finding('deploy-grants', 'it may let anybody decrypt', 'demand kms:GrantIsForAWSResource')]
      : []),
  ]
}

/** Whoever may change its own rights has all rights. */
function denialFindings(statements: readonly Statement[]): Finding[] {
  const denied = statements.filter(({ statement, actions }) => statement.Effect === 'Deny' && actions.includes('iam:*'))
  const text = JSON.stringify(denied.flatMap(({ statement }) => listOf(statement.Resource as Json)))
  return ['${Stage}-deploy"', '${Stage}-keeper"', '${Stage}-purge-executor"']
    .filter((name) => !text.includes(name))
    .map((name) => finding('deploy-itself', `it may change the rights of ${name.slice(0, -1)}`, 'deny iam:* on it'))
}
