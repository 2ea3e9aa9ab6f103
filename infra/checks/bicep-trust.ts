import { resourcesOf } from '../bicep/deployments.ts'
import { distinct, type Expectation, missing, onResource, unmet } from '../bicep/rule.ts'
import { runtimeProperties } from '../bicep/runtime-properties.ts'
import { isFields, isList, Resource, textOf, type Value } from '../bicep/value.ts'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'

const credential = 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials'
const hubs = 'Microsoft.EventHub/namespaces'
const dataExport = 'Microsoft.OperationalInsights/workspaces/dataExports'
const receiver = 'a638d3c7-ab3a-418d-83e6-5f17a39d4fde'

const isOne = (value: Value | undefined, wanted: string): boolean =>
  isList(value) && value.length === 1 && value[0] === wanted
const matches =
  (pattern: RegExp) =>
  (value: Value | undefined): boolean =>
    typeof value === 'string' && pattern.test(value)

const expected: readonly Expectation[] = [
  {
    type: credential,
    path: 'properties.issuer',
    is: matches(/^https:\/\/[\w.-]+$/),
    rule: 'trust-issuer',
    cure: 'name the issuer of the AWS account, by https',
  },
  {
    type: credential,
    path: 'properties.subject',
    is: matches(/^arn:aws:iam::\d{12}:role\/[\w+=,.@/-]+$/),
    rule: 'trust-wide',
    cure: 'name one role, without wildcards',
  },
  {
    type: credential,
    path: 'properties.audiences',
    is: (value) => isOne(value, 'api://AzureADTokenExchange'),
    rule: 'trust-audience',
    cure: 'name api://AzureADTokenExchange alone, which is made for this exchange',
  },
  { type: hubs, path: 'properties.disableLocalAuth', is: true, rule: 'shared-key', cure: 'set it to true' },
  { type: hubs, path: 'properties.minimumTlsVersion', is: '1.2', rule: 'tls', cure: 'set it to 1.2' },
  {
    type: dataExport,
    path: 'properties.tableNames',
    is: (value) => isOne(value, 'AppTraces'),
    rule: 'logs-all',
    cure: 'export AppTraces, which holds what the logger writes',
  },
  { type: dataExport, path: 'properties.enable', is: true, rule: 'logs-all', cure: 'enable it' },
]

/** What the other cloud may be here: an identity of its own, which reads the one hub with logs and nothing else. */
export async function checkBicepTrust(sources: Sources): Promise<Finding[]> {
  const resources = await resourcesOf(sources, credential, hubs, dataExport)
  return distinct([
    ...unmet(expected, resources),
    ...(await identityFindings(sources)),
    ...(await destinationFindings(sources)),
  ])
}

async function identityFindings(sources: Sources): Promise<Finding[]> {
  const trusted = (await resourcesOf(sources, credential)).flatMap(({ parent }) => (parent ? [parent] : []))
  const apps = await resourcesOf(sources, 'Microsoft.Web/sites')
  const rights = await resourcesOf(
    sources,
    'Microsoft.Authorization/roleAssignments',
    'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments',
  )
  const isOf = (right: Resource, identity: Resource): boolean =>
    right.at('properties', 'principalId') === principalOf(identity)
  return trusted.flatMap((identity) => [
    ...apps
      .filter((app) => {
        const identities = app.at('identity', 'userAssignedIdentities')
        return isFields(identities) && identity.id in identities
      })
      .map((app) => onResource(app, 'trust-site', 'the other cloud can be it', 'federate an identity of its own')),
    ...rights
      .filter((right) => isOf(right, identity) && !readsLogs(right))
      .map((right) => onResource(right, 'trust-reach', 'is for the other cloud', 'let it read the logs alone')),
  ])
}

/** What Azure makes up for an identity, as the rest of the templates sees it here. */
const principalOf = (identity: Resource): string | undefined =>
  runtimeProperties[identity.type]?.['properties.principalId']?.(identity)

function readsLogs(right: Resource): boolean {
  const scope = right.at('scope')
  const role = textOf(right.at('properties', 'roleDefinitionId') ?? '')
  return role.endsWith(receiver) && scope instanceof Resource && scope.type === `${hubs}/eventhubs`
}

/** The export names a hub that is there, by its own name: else Azure makes one of its own for each table. */
async function destinationFindings(sources: Sources): Promise<Finding[]> {
  const exports = await resourcesOf(sources, dataExport)
  const names = new Set((await resourcesOf(sources, `${hubs}/eventhubs`)).map(({ name }) => name.split('/').at(-1)))
  if (exports.length === 0) return [missing('logs-all', 'nothing exports the logs', 'declare a data export')]
  return exports
    .filter((one) => {
      const name = one.at('properties', 'destination', 'metaData', 'eventHubName')
      return typeof name !== 'string' || !names.has(name)
    })
    .map((one) => onResource(one, 'logs-all', 'it exports to no hub of ours', 'name the hub by metaData.eventHubName'))
}
