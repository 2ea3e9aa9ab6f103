import { deploymentsOf } from '../bicep/deployments.ts'
import { missing, onResource } from '../bicep/rule.ts'
import { runtimeProperties } from '../bicep/runtime-properties.ts'
import { isFields, type Resource } from '../bicep/value.ts'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'
import { holdersIn } from './bicep-stores.ts'

const identityType = 'Microsoft.ManagedIdentity/userAssignedIdentities'

/** That with a key of one's own all that holds data wraps its key with that one, in the one name that may, and without it nothing does. */
export async function checkBicepKeys(sources: Sources): Promise<Finding[]> {
  const { most } = await deploymentsOf(sources)
  const key = most.resources.find(({ type }) => type === 'Microsoft.KeyVault/vaults/keys')
  if (!key) return [missing('own-key', "there is no key of one's own", 'declare it in keys.bicep')]
  const grants = most.resources.filter((one) => one.at('scope') === key)
  const users = new Set(grants.map((grant) => grant.at('properties', 'principalId')))
  const owner = most.resources.find((one) => one.type === identityType && users.has(principalOf(one)))
  if (users.size !== 1 || !owner) {
    return [onResource(key, 'own-key', `${users.size} may use it`, 'grant it to the identity of the stores alone')]
  }
  const vault = key.parent
  const isLocked = most.resources.some(
    (one) => one.type === 'Microsoft.Authorization/locks' && one.at('scope') === vault,
  )
  return [
    ...(isLocked ? [] : [onResource(key, 'own-key', 'its vault may be deleted', 'give the vault a lock')]),
    ...(await holdersIn(sources)).flatMap((holder) => {
      const isWrapped = wraps(holder, key) && isIdentityOf(holder, owner)
      if (isWrapped === most.resources.includes(holder)) return []
      const problem = isWrapped ? "has a key of one's own though nobody asked" : 'is not wrapped with the key'
      return [onResource(holder, 'own-key', problem, 'see the parameter `key` of its module')]
    }),
  ]
}

const principalOf = (identity: Resource): string | undefined =>
  runtimeProperties[identityType]?.['properties.principalId']?.(identity)

function isIdentityOf(holder: Resource, owner: Resource): boolean {
  const given = holder.at('identity', 'userAssignedIdentities')
  const named = [
    holder.at('properties', 'encryption', 'identity', 'userAssignedIdentity'),
    holder.at('properties', 'defaultIdentity'),
  ]
  const own = [owner.id, `UserAssignedIdentity=${owner.id}`]
  return isFields(given) && owner.id in given && named.some((name) => typeof name === 'string' && own.includes(name))
}

/** Without a version: a key that was rotated is taken over. */
function wraps(holder: Resource, key: Resource): boolean {
  const [vault, name] = key.name.split('/')
  const uri = `https://${vault}.vault.azure.net/`
  const { keySource, keyvaultproperties: wanted } = (holder.at('properties', 'encryption') ?? {}) as {
    keySource?: string
    keyvaultproperties?: { keyname?: string; keyvaulturi?: string; keyversion?: string }
  }
  if (holder.type.startsWith('Microsoft.DocumentDB/')) {
    return holder.at('properties', 'keyVaultKeyUri') === `${uri}keys/${name}`
  }
  const isNamed = wanted?.keyname === name && wanted?.keyvaulturi === uri && wanted?.keyversion === undefined
  return keySource === 'Microsoft.Keyvault' && isNamed
}
