import { resourcesOf } from '../bicep/deployments.ts'
import { distinct, missing, onResource } from '../bicep/rule.ts'
import { at, isList, Resource, textOf, type Value } from '../bicep/value.ts'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'

/** Azure's own roles, as they are named and numbered in every tenant, and where they may be given. */
const builtIn: Readonly<
  Record<string, { readonly id: string; readonly on: 'data' | 'host' | 'failures' | 'hub' | 'key' | 'other' }>
> = {
  eventHubsDataReceiver: { id: 'a638d3c7-ab3a-418d-83e6-5f17a39d4fde', on: 'hub' },
  keyVaultCryptoServiceEncryptionUser: { id: 'e147488a-f6f5-4113-8e2d-b22465e65bf6', on: 'key' },
  keyVaultSecretsUser: { id: '4633458b-17de-408a-b874-0445c86b69e6', on: 'other' },
  monitoringMetricsPublisher: { id: '3913510d-42f4-4e42-8a64-420c390055eb', on: 'other' },
  storageBlobDataContributor: { id: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe', on: 'failures' },
  storageBlobDataOwner: { id: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b', on: 'host' },
  storageQueueDataContributor: { id: '974c5e8b-45b9-4653-ba55-5f855dd0fb88', on: 'host' },
  storageQueueDataMessageProcessor: { id: '8a0f0c08-91a1-4084-bc3d-661d67233fed', on: 'data' },
  storageQueueDataMessageSender: { id: 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a', on: 'data' },
  storageQueueDataReader: { id: '19e7f393-937e-4f77-808e-94535e297925', on: 'data' },
  storageTableDataContributor: { id: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3', on: 'host' },
}

/** What nobody but the purge executor may do: remove versions, containers or records for good, or change rights. */
const erases =
  /deleteBlobVersion|containers\/delete$|permanentDelete|immutabilityPolicies|roleAssignments|locks|^\*|blobs\/\*|containers\/\*|databaseAccounts\/\*/i

const vision = 'Microsoft.CognitiveServices/accounts/ComputerVision'
const blobs = 'Microsoft.Storage/storageAccounts/blobServices'
const items = 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers'
/** What the adapters call. */
const needed = [
  `${blobs}/containers/read`,
  `${blobs}/containers/blobs/read`,
  `${blobs}/containers/blobs/write`,
  `${blobs}/containers/blobs/add/action`,
  `${blobs}/containers/blobs/delete`,
  `${blobs}/generateUserDelegationKey/action`,
  `${vision}/analyze/action`,
  `${vision}/imageanalysis:analyze/action`,
  'Microsoft.DocumentDB/databaseAccounts/readMetadata',
  `${items}/items/create`,
  `${items}/items/read`,
  `${items}/items/replace`,
  `${items}/items/upsert`,
  `${items}/executeQuery`,
  `${items}/readChangeFeed`,
]

/** The rights of the site's identity: no more than the code needs, and none that erases. */
export async function checkBicepRights(sources: Sources): Promise<Finding[]> {
  const named = JSON.parse(await sources.text('azure/infra/roles.json')) as Record<string, string>
  const wrong = Object.entries(named)
    .filter(([name, id]) => builtIn[name]?.id !== id)
    .map(([name, id]) => ({
      file: 'azure/infra/roles.json',
      rule: 'azure/role-id',
      problem: `${id} is not the built-in role ${name}`,
      cure: 'take the number from the list of built-in roles, and add it to this check',
    }))
  return distinct([
    ...wrong,
    ...(await neededFindings(sources)),
    ...(await definitionFindings(sources)),
    ...(await assignmentFindings(sources)),
    ...(await recordFindings(sources)),
  ])
}

const actionsOf = (definition: Resource): string[] => {
  const permissions = definition.at('properties', 'permissions')
  const lists = isList(permissions) ? permissions.flatMap((one) => [at(one, 'actions'), at(one, 'dataActions')]) : []
  return lists.flatMap((list) => (isList(list) ? list.map(textOf) : []))
}

async function neededFindings(sources: Sources): Promise<Finding[]> {
  const types = ['Microsoft.Authorization/roleDefinitions', 'Microsoft.DocumentDB/databaseAccounts/sqlRoleDefinitions']
  const definitions = await resourcesOf(sources, ...types)
  const allowed = new Set(definitions.flatMap(actionsOf))
  const unknown = definitions.flatMap((definition) =>
    actionsOf(definition)
      .filter((action) => !needed.includes(action) && action !== `${items}/items/*` && !erases.test(action))
      .map((action) =>
        onResource(definition, 'idle-right', `${action} is needed by nothing`, 'correct it, or take it away'),
      ),
  )
  const lacking = needed.filter((action) => !allowed.has(action))
  return [
    ...unknown,
    ...lacking.map((action) => missing('lacking-right', `no role allows ${action}`, 'the adapters call it')),
  ]
}

async function definitionFindings(sources: Sources): Promise<Finding[]> {
  const definitions = await resourcesOf(sources, 'Microsoft.Authorization/roleDefinitions')
  return definitions.flatMap((definition) =>
    actionsOf(definition)
      .filter((action) => erases.test(action))
      .map((action) =>
        onResource(
          definition,
          'erasing-right',
          `${action} erases what versions keep`,
          'leave it to the purge executor',
        ),
      ),
  )
}

/** Where a role is given: on the account with the objects, on the host's own, on the container for failed events. */
function placeOf(scope: Value | undefined, dataAccounts: ReadonlySet<string>): string {
  if (!(scope instanceof Resource)) return 'everything'
  if (scope.type.endsWith('/containers')) return scope.name.endsWith('/failures') ? 'failures' : 'container'
  if (scope.type === 'Microsoft.EventHub/namespaces/eventhubs') return 'hub'
  if (scope.type === 'Microsoft.KeyVault/vaults/keys') return 'key'
  if (scope.type !== 'Microsoft.Storage/storageAccounts') return 'other'
  return dataAccounts.has(scope.name) ? 'data' : 'host'
}

async function assignmentFindings(sources: Sources): Promise<Finding[]> {
  const containers = await resourcesOf(sources, 'Microsoft.Storage/storageAccounts/blobServices/containers')
  const dataAccounts = new Set(
    containers.filter(({ name }) => name.endsWith('/objects')).map(({ name }) => name.split('/')[0] ?? ''),
  )
  const roles = new Map(Object.entries(builtIn).map(([name, { id, on }]) => [id, { name, on }]))
  const custom = new Set((await resourcesOf(sources, 'Microsoft.Authorization/roleDefinitions')).map(({ id }) => id))
  return (await resourcesOf(sources, 'Microsoft.Authorization/roleAssignments')).flatMap((assignment) => {
    const place = placeOf(assignment.at('scope'), dataAccounts)
    const id = textOf(assignment.at('properties', 'roleDefinitionId') ?? '')
    if (
      place === 'container' &&
      assignment.at('scope') instanceof Resource &&
      textOf(assignment.at('scope') ?? '').endsWith('/vault')
    ) {
      return [
        onResource(
          assignment,
          'vault-rights',
          'gives a right on the container `vault`',
          'take it away: what lies there is out of reach of the site',
        ),
      ]
    }
    if (!id.startsWith('/providers/Microsoft.Authorization/roleDefinitions/'))
      return [onResource(assignment, 'role-id', `${id} is no role`, 'name a role definition')]
    if (custom.has(id)) return place === 'everything' ? [tooWide(assignment, 'a role of our own')] : []
    const role = roles.get(id.split('/').at(-1) ?? '')
    if (!role)
      return [
        onResource(
          assignment,
          'role-id',
          `${id} is no role that was looked at`,
          'use a role of azure/infra/roles.json',
        ),
      ]
    return role.on === place ? [] : [tooWide(assignment, `${role.name} on ${place}`)]
  })
}

const tooWide = (assignment: Resource, what: string): Finding =>
  onResource(assignment, 'wide-right', `gives ${what}`, 'give it where it is needed, and nothing that reaches further')

/** The role on the records cannot remove any; every container has exactly one. */
async function recordFindings(sources: Sources): Promise<Finding[]> {
  const definitions = await resourcesOf(sources, 'Microsoft.DocumentDB/databaseAccounts/sqlRoleDefinitions')
  const assignments = await resourcesOf(sources, 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments')
  const found: Finding[] = []
  for (const assignment of assignments) {
    const role = definitions.find(({ id }) => id === assignment.at('properties', 'roleDefinitionId'))
    const container = /\/colls\/([^/]+)$/.exec(textOf(assignment.at('properties', 'scope') ?? ''))?.[1]
    if (!role)
      found.push(onResource(assignment, 'role-id', 'names no role of ours', 'use one that is declared beside it'))
    else if (!container && actionsOf(role).every((action) => action.endsWith('/readMetadata'))) continue
    else if (!container) found.push(tooWide(assignment, 'a right on all containers'))
    else if (container === 'records') {
      for (const action of actionsOf(role).filter((one) => /items\/(\*|delete)$/.test(one) || erases.test(one))) {
        found.push(
          onResource(
            role,
            'erasing-right',
            `${action} removes records`,
            'leave it to the purge executor: the site writes tombstones',
          ),
        )
      }
    }
  }
  if (assignments.length === 0)
    found.push(missing('records-rights', 'nobody may read the records', 'assign a role on each container'))
  return found
}
