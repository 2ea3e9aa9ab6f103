import { createHash } from 'node:crypto'
import type { Resource } from './value.ts'

const guidOf = (name: string): string =>
  `00000000-0000-4000-8000-${createHash('sha256').update(name).digest('hex').slice(0, 12)}`

/**
 * What Azure alone knows of a resource and the templates read, by type and path, with a value of the right form. Reading
 * anything that is not listed counts as a mistake, since nothing here could tell whether it exists.
 */
export const runtimeProperties: Readonly<Record<string, Readonly<Record<string, (resource: Resource) => string>>>> = {
  'Microsoft.ApiManagement/service': { 'properties.gatewayUrl': ({ name }) => `https://${name}.azure-api.net` },
  'Microsoft.Cdn/profiles': { 'identity.principalId': ({ name }) => guidOf(name) },
  'Microsoft.Cdn/profiles/afdEndpoints': {
    'properties.hostName': ({ name }) => `${name.split('/').at(-1) ?? ''}-a1.z01.azurefd.net`,
  },
  'Microsoft.Cdn/profiles/customDomains': {
    'properties.validationProperties.validationToken': ({ name }) => guidOf(name).replaceAll('-', ''),
  },
  'Microsoft.DocumentDB/databaseAccounts': {
    'properties.documentEndpoint': ({ name }) => `https://${name}.documents.azure.com:443/`,
  },
  'Microsoft.EventGrid/systemTopics': { 'identity.principalId': ({ name }) => guidOf(name) },
  'Microsoft.Insights/components': {
    'properties.ConnectionString': ({ name }) => `InstrumentationKey=${guidOf(name)}`,
  },
  'Microsoft.KeyVault/vaults/keys': {
    'properties.keyUri': ({ name }) => `https://${name.replace('/', '.vault.azure.net/keys/')}`,
  },
  'Microsoft.KeyVault/vaults': { 'properties.vaultUri': ({ name }) => `https://${name}.vault.azure.net/` },
  'Microsoft.ManagedIdentity/userAssignedIdentities': {
    'properties.clientId': ({ name }) => guidOf(`c${name}`),
    'properties.principalId': ({ name }) => guidOf(`p${name}`),
  },
  'Microsoft.Storage/storageAccounts': {
    'properties.primaryEndpoints.blob': ({ name }) => `https://${name}.blob.core.windows.net/`,
    'properties.primaryEndpoints.queue': ({ name }) => `https://${name}.queue.core.windows.net/`,
  },
  'Microsoft.Storage/storageAccounts/objectReplicationPolicies': {
    'properties.policyId': ({ name }) => guidOf(name),
    'properties.rules.0.ruleId': ({ name }) => guidOf(`r${name}`),
  },
  'Microsoft.Web/sites': { 'properties.defaultHostName': ({ name }) => `${name}.azurewebsites.net` },
}
