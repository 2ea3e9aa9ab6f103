param name string
param location string
param tags object
param lasting bool
param key object
param principalId string
param workspaceId string

var stores = loadJsonContent('../stores.json')
var roles = loadJsonContent('../roles.json')
var groupId = resourceGroup().id
// Without its version: what is rotated is taken over.
var encryption = empty(key) ? { keySource: 'Microsoft.Storage' } : {
  keySource: 'Microsoft.Keyvault'
  identity: { userAssignedIdentity: key.identityId }
  keyvaultproperties: { keyvaulturi: key.vaultUri, keyname: key.name }
}

resource storage 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'Standard_ZRS' }
  kind: 'StorageV2'
  identity: empty(key) ? { type: 'None' } : { type: 'UserAssigned', userAssignedIdentities: { '${key.identityId}': {} } }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    publicNetworkAccess: 'Enabled'
    supportsHttpsTrafficOnly: true
    encryption: union(encryption, {
      requireInfrastructureEncryption: true
      services: {
        blob: { enabled: true, keyType: 'Account' }
        queue: { enabled: true, keyType: 'Account' }
      }
    })
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' = {
  parent: storage
  name: 'default'
  properties: {
    isVersioningEnabled: true
    changeFeed: { enabled: true, retentionInDays: 90 }
    deleteRetentionPolicy: { enabled: true, days: 30 }
    containerDeleteRetentionPolicy: { enabled: true, days: 90 }
    // Browsers upload straight to the store with signed URLs.
    cors: {
      corsRules: [
        {
          allowedOrigins: ['*']
          allowedMethods: ['GET', 'HEAD', 'PUT', 'OPTIONS']
          allowedHeaders: ['*']
          exposedHeaders: ['*']
          maxAgeInSeconds: 600
        }
      ]
    }
  }
}

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' = [
  for container in stores.blobContainers: {
    parent: blobs
    name: container
    properties: { publicAccess: 'None' }
  }
]

// Where Event Grid puts what it cannot deliver.
resource failures 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' = {
  parent: blobs
  name: 'failures'
  properties: { publicAccess: 'None' }
}

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2023-05-01' = {
  parent: storage
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'forget-old-staging-versions'
          enabled: true
          type: 'Lifecycle'
          definition: {
            filters: { blobTypes: ['blockBlob'], prefixMatch: ['uploads/uploads/'] }
            actions: { version: { delete: { daysAfterCreationGreaterThan: 7 } } }
          }
        }
      ]
    }
  }
  dependsOn: [blobs]
}

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2023-05-01' = {
  parent: storage
  name: 'default'
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices/queues@2023-05-01' = [
  for queue in stores.queues: {
    parent: queueService
    name: queue
  }
]

// Narrower than the built-in contributor, which may delete whole containers. A deleted blob stays as a version.
resource objectsRole 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(groupId, 'objects')
  properties: {
    roleName: 'Catamaran objects ${uniqueString(groupId)}'
    type: 'CustomRole'
    assignableScopes: [groupId]
    permissions: [
      {
        actions: [
          'Microsoft.Storage/storageAccounts/blobServices/containers/read'
        ]
        dataActions: [
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read'
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write'
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action'
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete'
        ]
      }
    ]
  }
}

// Signed URLs are signed with a key that this identity asks for: a right on the account, not on a container.
resource signingRole 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(groupId, 'signing')
  properties: {
    roleName: 'Catamaran signing ${uniqueString(groupId)}'
    type: 'CustomRole'
    assignableScopes: [groupId]
    permissions: [
      { actions: ['Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action'] }
    ]
  }
}

resource objectGrants 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (container, index) in stores.blobContainers: {
    scope: containers[index]
    name: guid(storage.id, container, principalId)
    properties: { principalId: principalId, principalType: 'ServicePrincipal', roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', objectsRole.name) }
  }
]

resource signingGrant 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: storage
  name: guid(storage.id, 'signing', principalId)
  properties: { principalId: principalId, principalType: 'ServicePrincipal', roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', signingRole.name) }
}

var queueRoles = [
  roles.storageQueueDataReader
  roles.storageQueueDataMessageProcessor
  roles.storageQueueDataMessageSender
]

resource queueGrants 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in queueRoles: {
    scope: storage
    name: guid(storage.id, role, principalId)
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
    }
  }
]

resource protection 'Microsoft.Authorization/locks@2020-05-01' = if (lasting) {
  scope: storage
  name: 'objects-stay'
  properties: { level: 'CanNotDelete', notes: 'Holds every object of this site.' }
}

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: blobs
  name: 'audit'
  properties: {
    workspaceId: workspaceId
    logs: [
      { category: 'StorageDelete', enabled: true }
    ]
  }
}

output id string = storage.id
output name string = storage.name
output blobEndpoint string = storage.properties.primaryEndpoints.blob
output blobHost string = replace(replace(storage.properties.primaryEndpoints.blob, 'https://', ''), '/', '')
output queueEndpoint string = storage.properties.primaryEndpoints.queue
