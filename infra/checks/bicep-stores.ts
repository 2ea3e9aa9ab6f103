import { resourcesOf } from '../bicep/deployments.ts'
import { distinct, type Expectation, missing, onResource, unmet } from '../bicep/rule.ts'
import { at, type Resource, type Value } from '../bicep/value.ts'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'

const account = 'Microsoft.Storage/storageAccounts'
const blobs = `${account}/blobServices`
const container = `${blobs}/containers`
const queue = `${account}/queueServices/queues`
const cosmos = 'Microsoft.DocumentDB/databaseAccounts'
const vault = 'Microsoft.KeyVault/vaults'
const retentionDaysMin = 7
/** Longer than the 21 days that the erasure of a tenant takes to cool off. */
const vaultDaysMin = 35

const atLeast =
  (least: number) =>
  (value: Value | undefined): boolean =>
    typeof value === 'number' && value >= least

const expected: readonly Expectation[] = [
  {
    type: account,
    path: 'properties.allowSharedKeyAccess',
    is: false,
    rule: 'shared-key',
    cure: 'set it to false: the app signs in with its identity',
  },
  { type: account, path: 'properties.allowBlobPublicAccess', is: false, rule: 'public-blobs', cure: 'set it to false' },
  {
    type: account,
    path: 'properties.allowCrossTenantReplication',
    is: false,
    rule: 'public-blobs',
    cure: 'set it to false',
  },
  { type: account, path: 'properties.minimumTlsVersion', is: 'TLS1_2', rule: 'tls', cure: 'set it to TLS1_2' },
  { type: account, path: 'properties.supportsHttpsTrafficOnly', is: true, rule: 'tls', cure: 'set it to true' },
  {
    type: container,
    path: 'properties.publicAccess',
    is: 'None',
    rule: 'public-blobs',
    cure: 'set it to None: reading needs a signed URL',
  },
  {
    type: blobs,
    path: 'properties.deleteRetentionPolicy.enabled',
    is: true,
    rule: 'soft-delete',
    cure: 'keep deleted blobs',
  },
  {
    type: blobs,
    path: 'properties.deleteRetentionPolicy.days',
    is: atLeast(retentionDaysMin),
    rule: 'soft-delete',
    cure: `keep them ${retentionDaysMin} days or more`,
  },
  {
    type: blobs,
    path: 'properties.containerDeleteRetentionPolicy.enabled',
    is: true,
    rule: 'soft-delete',
    cure: 'keep deleted containers',
  },
  {
    type: cosmos,
    path: 'properties.disableLocalAuth',
    is: true,
    rule: 'shared-key',
    cure: 'set it to true: the app signs in with its identity',
  },
  {
    type: cosmos,
    path: 'properties.disableKeyBasedMetadataWriteAccess',
    is: true,
    rule: 'shared-key',
    cure: 'set it to true',
  },
  { type: cosmos, path: 'properties.minimalTlsVersion', is: 'Tls12', rule: 'tls', cure: 'set it to Tls12' },
  {
    type: cosmos,
    path: 'properties.backupPolicy.type',
    is: 'Continuous',
    rule: 'backup',
    cure: 'set it to Continuous, for restores to any moment',
  },
  {
    type: cosmos,
    path: 'properties.consistencyPolicy.defaultConsistencyLevel',
    is: 'Strong',
    rule: 'consistency',
    cure: 'set it to Strong: the record store reads what was just written by another instance',
  },
  { type: vault, path: 'properties.enablePurgeProtection', is: true, rule: 'purge-protection', cure: 'set it to true' },
  { type: vault, path: 'properties.enableSoftDelete', is: true, rule: 'purge-protection', cure: 'set it to true' },
  { type: vault, path: 'properties.softDeleteRetentionInDays', is: 90, rule: 'purge-protection', cure: 'set it to 90' },
  {
    type: vault,
    path: 'properties.enableRbacAuthorization',
    is: true,
    rule: 'vault-rights',
    cure: 'set it to true: rights are given by role assignments alone',
  },
  {
    type: 'Microsoft.Insights/components',
    path: 'properties.DisableLocalAuth',
    is: true,
    rule: 'shared-key',
    cure: 'set it to true',
  },
  {
    type: 'Microsoft.OperationalInsights/workspaces',
    path: 'properties.features.disableLocalAuth',
    is: true,
    rule: 'shared-key',
    cure: 'set it to true',
  },
]

/** What holds bytes, records and secrets: closed, without keys, and not easily emptied. */
export async function checkBicepStores(sources: Sources): Promise<Finding[]> {
  const types = [...new Set(expected.map(({ type }) => type))]
  const stores = JSON.parse(await sources.text('azure/infra/stores.json')) as Stores
  return distinct([
    ...unmet(expected, await resourcesOf(sources, ...types)),
    ...(await dataFindings(sources)),
    ...(await queueFindings(sources, stores)),
    ...(await containerFindings(sources, stores)),
    ...(await capacityFindings(sources)),
    ...(await lockFindings(sources)),
  ])
}

interface Stores {
  readonly cosmos: { readonly containers: readonly { readonly id: string; readonly defaultTtl?: number }[] }
  readonly blobContainers: readonly string[]
  readonly queues: readonly string[]
}

const ownName = ({ name }: Resource): string => name.split('/').at(-1) ?? ''

/** The account that holds objects keeps every version, and what lies in its vault cannot be removed. */
async function dataFindings(sources: Sources): Promise<Finding[]> {
  const containers = await resourcesOf(sources, container)
  const services = new Set(containers.filter((one) => ownName(one) === 'objects').map(({ parent }) => parent))
  const versions = [...services].flatMap((service) =>
    service?.at('properties', 'isVersioningEnabled') === true &&
    service.at('properties', 'changeFeed', 'enabled') === true
      ? []
      : [
          missing(
            'versioning',
            'the objects are kept without versions or without a change feed',
            'enable both on the blob service',
          ),
        ],
  )
  return [...versions, ...(await vaultFindings(sources, containers))]
}

/** Azure copies every object to where its versions cannot be removed, in an account of its own. */
async function vaultFindings(sources: Sources, containers: readonly Resource[]): Promise<Finding[]> {
  const vaults = containers.filter((one) => ownName(one) === 'vault')
  const policies = await resourcesOf(sources, `${container}/immutabilityPolicies`)
  const copies = await resourcesOf(sources, `${account}/objectReplicationPolicies`)
  const isSending = (one: Resource): boolean => one.at('properties', 'sourceAccount') === one.parent?.id
  const isLocked = (one: Resource): boolean =>
    one.at('properties', 'immutableStorageWithVersioning', 'enabled') === true &&
    policies.some(
      (policy) =>
        policy.parent === one &&
        Number(policy.at('properties', 'immutabilityPeriodSinceCreationInDays')) >= vaultDaysMin,
    )
  const path = '"sourceContainer":"objects","destinationContainer":"vault"'
  const isFilled = (one: Resource): boolean => {
    const own = copies.filter((copy) => copy.at('properties', 'destinationAccount') === one.parent?.parent?.id)
    const isSame = own.every((copy) => JSON.stringify(copy.at('properties', 'rules')).includes(path))
    return isSame && own.some(isSending) && !own.every(isSending)
  }
  const cure = `give the container \`vault\` immutable versions and a policy of ${vaultDaysMin} days or more`
  if (vaults.length === 0) return [missing('immutability', 'there is no container `vault`', cure)]
  return vaults.flatMap((one) => [
    ...(isLocked(one) ? [] : [onResource(one, 'immutability', 'its versions can be removed', cure)]),
    ...(isFilled(one)
      ? []
      : [onResource(one, 'vault-copy', 'nothing copies the objects to it', 'replicate the container `objects` to it')]),
  ])
}

async function queueFindings(sources: Sources, { queues }: Stores): Promise<Finding[]> {
  const deployed = new Set((await resourcesOf(sources, queue)).map(ownName))
  const wanted = queues.flatMap((name) => (name.endsWith('-poison') ? [name] : [name, `${name}-poison`]))
  return wanted
    .filter((name) => !deployed.has(name))
    .map((name) => ({
      file: 'azure/infra/stores.json',
      rule: 'azure/poison-queue',
      problem: `the queue ${name} is not deployed`,
      cure: 'declare each queue with its `-poison` twin, where the host puts what failed five times',
    }))
}

async function containerFindings(sources: Sources, stores: Stores): Promise<Finding[]> {
  const records = await resourcesOf(sources, `${cosmos}/sqlDatabases/containers`)
  const differing = stores.cosmos.containers.flatMap((wanted) => {
    const found = records.find((one) => ownName(one) === wanted.id)
    if (!found)
      return [missing('records', `the container ${wanted.id} is not deployed`, 'deploy all of azure/infra/stores.json')]
    const isSame = JSON.stringify(at(found.body, 'properties', 'resource')) === JSON.stringify(wanted)
    return isSame
      ? []
      : [onResource(found, 'records', `${wanted.id} is not as azure/infra/stores.json has it`, 'deploy it unchanged')]
  })
  const site = stores.cosmos.containers.find(({ id }) => id === 'site')
  const ttl =
    site?.defaultTtl === -1
      ? []
      : [missing('ttl', 'items of the container site do not expire', 'set its defaultTtl to -1')]
  const blobNames = new Set((await resourcesOf(sources, container)).map(ownName))
  const lacking = stores.blobContainers.filter((name) => !blobNames.has(name))
  return [
    ...differing,
    ...ttl,
    ...lacking.map((name) =>
      missing('blobs', `the container ${name} is not deployed`, 'deploy all of azure/infra/stores.json'),
    ),
  ]
}

/** Serverless takes no throughput, and autoscale needs some. */
async function capacityFindings(sources: Sources): Promise<Finding[]> {
  const databases = await resourcesOf(sources, `${cosmos}/sqlDatabases`)
  const wrong = databases.filter((database) => {
    const isServerless = JSON.stringify(database.parent?.at('properties', 'capabilities') ?? []).includes(
      'EnableServerless',
    )
    return isServerless === (database.at('properties', 'options', 'autoscaleSettings', 'maxThroughput') !== undefined)
  })
  const modes = new Set(databases.map((database) => JSON.stringify(database.parent?.at('properties', 'capabilities'))))
  const cure = 'EnableServerless without throughput, or autoscale without EnableServerless, as recordsCapacity says'
  const same = modes.size === 2 ? [] : [missing('capacity', 'recordsCapacity makes no difference', cure)]
  return [
    ...same,
    ...wrong.map((database) => onResource(database, 'capacity', 'has throughput where it may not', cure)),
  ]
}

/** What holds records, objects and their copies. */
export async function holdersIn(sources: Sources): Promise<Resource[]> {
  const containers = await resourcesOf(sources, container)
  return [
    ...(await resourcesOf(sources, cosmos)),
    ...(await resourcesOf(sources, account)).filter((one) =>
      containers.some(({ parent, name }) => parent?.parent === one && /\/(objects|vault)$/.test(name)),
    ),
  ]
}

/** A lock stands between a mistaken delete and the accounts that hold everything. */
async function lockFindings(sources: Sources): Promise<Finding[]> {
  const locks = await resourcesOf(sources, 'Microsoft.Authorization/locks')
  return (await holdersIn(sources))
    .filter(
      (holder) =>
        !locks.some((lock) => lock.at('scope') === holder && lock.at('properties', 'level') === 'CanNotDelete'),
    )
    .map((holder) =>
      onResource(holder, 'lock', 'nothing keeps it from being deleted', 'give it a lock of the level CanNotDelete'),
    )
}
