import { resourcesOf, deploymentsOf } from '../bicep/deployments.ts'
import { onResource } from '../bicep/rule.ts'
import { deploy } from '../bicep/template.ts'
import { at, isList, type Resource, textOf } from '../bicep/value.ts'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'

const file = 'azure/infra/bootstrap/deploy-role.bicep'
const parameters = { stage: 'dev', location: 'westeurope', repository: 'example/catamaran' }
/** Besides adding and changing, what a deployment does. */
const actions =
  /^(\*\/read|Microsoft\.Resources\/deployments\/\*|[\w./]+\/write|[\w./]+\/(assign|join|list|publish|restart)\/action)$/

/** The identity in which the pipelines deploy: who is it, that it may write all that is declared, and deletes nothing. */
export async function checkBicepDeployRole(sources: Sources): Promise<Finding[]> {
  const { resources, problems } = await deploy(sources.root, file, parameters)
  const one = (type: string): Resource[] => resources.filter((resource) => resource.type.endsWith(type))
  return [
    ...problems.map((problem) => ({
      file: `${problem.file}:${problem.line}`,
      rule: 'azure/compiles',
      problem: problem.text,
      cure: 'correct it: the Bicep compiler would refuse it',
    })),
    ...one('/federatedIdentityCredentials').flatMap(trustFindings),
    ...(await roleFindings(sources, one('/roleDefinitions'))),
    ...one('/roleAssignments').flatMap(grantFindings),
  ]
}

function trustFindings(credential: Resource): Finding[] {
  const { issuer, subject, audiences } = (credential.at('properties') ?? {}) as Record<string, unknown>
  const isExact =
    issuer === 'https://token.actions.githubusercontent.com' &&
    subject === `repo:${parameters.repository}:environment:${parameters.stage}` &&
    JSON.stringify(audiences) === '["api://AzureADTokenExchange"]'
  return isExact
    ? []
    : [onResource(credential, 'deploy-trust', 'others may be it', 'name issuer, environment, audience')]
}

async function roleFindings(sources: Sources, roles: readonly Resource[]): Promise<Finding[]> {
  const { most } = await deploymentsOf(sources)
  const declared = new Set(
    (await resourcesOf(sources, ...most.resources.map(({ type }) => type))).map(({ type }) => type),
  )
  return roles.flatMap((role) => {
    const permissions = role.at('properties', 'permissions')
    const allowed = (isList(permissions) ? permissions : []).flatMap((one) => {
      const list = at(one, 'actions')
      return isList(list) ? list.map(textOf) : []
    })
    const wrong = allowed.filter((action) => !actions.test(action))
    const lacking = [...declared].filter((type) => !allowed.includes(`${writtenAs(type)}/write`))
    return [
      ...wrong.map((action) => onResource(role, 'deploy-destroys', `it may ${action}`, 'let it read and write alone')),
      ...lacking.map((type) =>
        onResource(role, 'deploy-lacks', `it may not write ${type}`, 'list it in deploy-types.json'),
      ),
    ]
  })
}

const writtenAs = (type: string): string =>
  type.replace('Microsoft.Resources/resourceGroups', 'Microsoft.Resources/subscriptions/resourceGroups')

/** A right on the whole subscription is bound: to the roles that the templates give, to the container with packages. */
function grantFindings(grant: Resource): Finding[] {
  const condition = textOf(grant.at('properties', 'condition') ?? '')
  const isBound =
    grant.at('properties', 'conditionVersion') === '2.0' &&
    (/RoleDefinitionId\] ForAnyOfAnyValues:GuidEquals \{[0-9a-f-]{36}/.test(condition) ||
      /containers:name\] StringEquals 'packages'/.test(condition))
  return isBound ? [] : [onResource(grant, 'deploy-wide', 'it reaches everything', 'bind it by a condition')]
}
