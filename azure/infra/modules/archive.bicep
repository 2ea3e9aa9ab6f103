param name string
param location string
param tags object
param lasting bool
param key object

var encryption = empty(key) ? { keySource: 'Microsoft.Storage' } : {
  keySource: 'Microsoft.Keyvault'
  identity: { userAssignedIdentity: key.identityId }
  keyvaultproperties: { keyvaulturi: key.vaultUri, keyname: key.name }
}

// A copy of every object that nobody, the account's owner included, can change or remove before its time, once its policy
// has been locked: see docs/deploy.md. Azure itself fills it; no identity of the site has any right on it.
resource storage 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'Standard_LRS' }
  kind: 'StorageV2'
  identity: empty(key) ? { type: 'None' } : { type: 'UserAssigned', userAssignedIdentities: { '${key.identityId}': {} } }
  properties: {
    accessTier: 'Cool'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    publicNetworkAccess: 'Enabled'
    supportsHttpsTrafficOnly: true
    encryption: union(encryption, { services: { blob: { enabled: true, keyType: 'Account' } } })
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' = {
  parent: storage
  name: 'default'
  properties: {
    isVersioningEnabled: true
    changeFeed: { enabled: true }
    deleteRetentionPolicy: { enabled: true, days: 35 }
    containerDeleteRetentionPolicy: { enabled: true, days: 35 }
  }
}

resource vault 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' = {
  parent: blobs
  name: 'vault'
  properties: {
    publicAccess: 'None'
    immutableStorageWithVersioning: { enabled: true }
  }
}

// Longer than the 21 days that the erasure of a tenant takes to cool off, and the backups' 30 days.
resource policy 'Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies@2023-05-01' = if (lasting) {
  parent: vault
  name: 'default'
  properties: { immutabilityPeriodSinceCreationInDays: 35, allowProtectedAppendWrites: false }
}

resource protection 'Microsoft.Authorization/locks@2020-05-01' = if (lasting) {
  scope: storage
  name: 'vault-stays'
  properties: { level: 'CanNotDelete', notes: 'Holds the copies that nobody can remove.' }
}

output id string = storage.id
output name string = storage.name
output container string = vault.name
