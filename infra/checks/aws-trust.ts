import {
  at,
  type CfnResource,
  type CloudFormation,
  type Json,
  isObject,
  listOf,
  objectOf,
  textOf,
} from '../cloudformation.ts'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'
import { type Statement, statementsOf, trustOf } from './aws-iam-actions.ts'

type Fault = readonly [id: string, rule: string, problem: string, cure: string]

/** All that whoever comes from another cloud may do, and what each has to name. */
const forStrangers: Readonly<Record<string, string>> = {
  's3:GetObject': '${LogsBucket.Arn}/logs/*',
  's3:ListBucket': 'LogsBucket',
  'kms:Decrypt': 'kms:EncryptionContext:aws:s3:arn',
}

const wide = /[*?]|^$/

/** Who may take which role: services of the cloud, and by a token of the other cloud one subject with one audience. */
export async function checkAwsTrust(sources: Sources): Promise<Finding[]> {
  const template = await sources.template()
  const roles = template.resources.filter(({ type }) => type === 'AWS::IAM::Role')
  const faults = [
    ...roles.flatMap((role) => trustFaults(role, template)),
    ...template.resources.filter(({ type }) => type === 'AWS::IAM::OIDCProvider').flatMap(providerFaults),
    ...reachFaults(template, new Set(roles.filter(isForStrangers).map(({ id }) => id))),
  ]
  return Promise.all(
    faults.map(async ([id, rule, problem, cure]) => ({
      file: await sources.fileOf(id),
      rule: `aws/${rule}`,
      problem: `${id}: ${problem}`,
      cure,
    })),
  )
}

const trusts = ({ properties }: CfnResource) => listOf(objectOf(trustOf(properties)).Statement).filter(isObject)
const federated = (statement: Json): Json | undefined => at(statement, 'Principal', 'Federated')
const isForStrangers = (role: CfnResource): boolean => trusts(role).some((one) => federated(one) !== undefined)

function trustFaults(role: CfnResource, template: CloudFormation): Fault[] {
  const { id } = role
  return trusts(role).flatMap((statement): Fault[] => {
    if (federated(statement) !== undefined) return federationFaults(id, statement, template)
    const isOfService = typeof at(statement, 'Principal', 'Service') === 'string'
    return isOfService ? [] : [[id, 'trust-wide', 'others than a service may take it', 'name the service, no account']]
  })
}

/** Both conditions by StringEquals, each with one exact value, and nothing beside them that might loosen them. */
function federationFaults(id: string, statement: Json, template: CloudFormation): Fault[] {
  const provider = /^\$\{(\w+)\}$/.exec(textOf(federated(statement)))?.[1]
  const host = hostOf(template.resources.find((one) => one.id === provider && one.type === 'AWS::IAM::OIDCProvider'))
  const conditions = objectOf(at(statement, 'Condition'))
  const exact = objectOf(conditions.StringEquals)
  const found: Fault[] = []
  if (host === undefined)
    found.push([id, 'trust-provider', 'its issuer is not declared here', 'name an AWS::IAM::OIDCProvider'])
  for (const claim of ['aud', 'sub']) {
    const value = exact[`${host}:${claim}`]
    if (typeof value !== 'string' || wide.test(value))
      found.push([
        id,
        'trust-wide',
        `any ${claim} may take it`,
        `demand one ${claim} by StringEquals, without wildcards`,
      ])
  }
  if (Object.keys(conditions).some((name) => name !== 'StringEquals'))
    found.push([id, 'trust-wide', 'its conditions are not all exact', 'use StringEquals alone'])
  return found
}

/** What names of conditions begin with: the provider's address without its scheme. */
function hostOf(provider: CfnResource | undefined): string | undefined {
  const url = textOf(at(provider?.properties.Url, 'Fn::Sub') ?? provider?.properties.Url)
  return url.startsWith('https://') ? url.slice('https://'.length) : undefined
}

function providerFaults(provider: CfnResource): Fault[] {
  const { id, properties } = provider
  const audiences = listOf(properties.ClientIdList)
  const isNamed = audiences.length === 1 && audiences.every((one) => typeof at(one, 'Ref') === 'string')
  const audience: Fault = [id, 'trust-audience', 'it takes tokens for others', 'name one audience in ClientIdList']
  const scheme: Fault = [id, 'trust-provider', 'its keys come unencrypted', 'let Url begin with https://']
  return [...(isNamed ? [] : [audience]), ...(hostOf(provider) === undefined ? [scheme] : [])]
}

/** A role for whoever comes from another cloud reads logs, and nothing else. */
const reachFaults = (template: CloudFormation, strangers: ReadonlySet<string>): Fault[] =>
  statementsOf(template)
    .filter(({ id, actions }) => strangers.has(id) && !actions.includes('sts:AssumeRoleWithWebIdentity'))
    .flatMap(({ id, statement, actions }: Statement) =>
      actions
        .filter((action) => !reaches(action, statement))
        .map((action): Fault => [id, 'trust-reach', `another cloud may ${action}`, 'let it read the logs alone']),
    )

function reaches(action: string, statement: Json): boolean {
  const wanted = forStrangers[action]
  const [resource, ...more] = listOf(at(statement, 'Resource'))
  if (wanted === undefined || more.length > 0) return false
  const place = action.startsWith('kms:') ? at(statement, 'Condition', 'StringLike') : resource
  const text = JSON.stringify(place ?? null)
  return text.includes(`"${wanted}"`) && text.includes('LogsBucket')
}
