param name string
param location string
param tags object
param lasting bool
param key object

@allowed(['serverless', 'autoscale'])
param capacity string

param throughputMax int
param principalId string
param workspaceId string

var declared = loadJsonContent('../stores.json').cosmos
var encryption = empty(key) ? {} : { defaultIdentity: 'UserAssignedIdentity=${key.identityId}', keyVaultKeyUri: key.uri }
var dataActions = 'Microsoft.DocumentDB/databaseAccounts'

resource account 'Microsoft.DocumentDB/databaseAccounts@2024-11-15' = {
  name: name
  location: location
  tags: tags
  kind: 'GlobalDocumentDB'
  identity: empty(key) ? { type: 'None' } : { type: 'UserAssigned', userAssignedIdentities: { '${key.identityId}': {} } }
  properties: union(encryption, {
    databaseAccountOfferType: 'Standard'
    locations: [
      { locationName: location, failoverPriority: 0, isZoneRedundant: false }
    ]
    // What a write has acknowledged, every instance reads: compare-and-swap and marks rest on it.
    consistencyPolicy: { defaultConsistencyLevel: 'Strong' }
    capabilities: capacity == 'serverless' ? [{ name: 'EnableServerless' }] : []
    backupPolicy: {
      type: 'Continuous'
      continuousModeProperties: { tier: 'Continuous30Days' }
    }
    disableLocalAuth: true
    disableKeyBasedMetadataWriteAccess: true
    minimalTlsVersion: 'Tls12'
    publicNetworkAccess: 'Enabled'
  })
}

resource database 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases@2024-11-15' = {
  parent: account
  name: declared.database
  properties: {
    resource: { id: declared.database }
    options: capacity == 'autoscale' ? { autoscaleSettings: { maxThroughput: throughputMax } } : {}
  }
}

resource containers 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers@2024-11-15' = [
  for container in declared.containers: {
    parent: database
    name: container.id
    properties: { resource: container }
  }
]

// Records are never removed by the site, only marked: this role cannot delete.
resource recordsRole 'Microsoft.DocumentDB/databaseAccounts/sqlRoleDefinitions@2024-11-15' = {
  parent: account
  name: guid(account.id, 'records')
  properties: {
    roleName: 'Catamaran records'
    type: 'CustomRole'
    assignableScopes: [account.id]
    permissions: [
      {
        dataActions: [
          '${dataActions}/readMetadata'
          '${dataActions}/sqlDatabases/containers/items/create'
          '${dataActions}/sqlDatabases/containers/items/read'
          '${dataActions}/sqlDatabases/containers/items/replace'
          '${dataActions}/sqlDatabases/containers/items/upsert'
          '${dataActions}/sqlDatabases/containers/executeQuery'
          '${dataActions}/sqlDatabases/containers/readChangeFeed'
        ]
      }
    ]
  }
}

resource workRole 'Microsoft.DocumentDB/databaseAccounts/sqlRoleDefinitions@2024-11-15' = {
  parent: account
  name: guid(account.id, 'work')
  properties: {
    roleName: 'Catamaran work'
    type: 'CustomRole'
    assignableScopes: [account.id]
    permissions: [
      {
        dataActions: [
          '${dataActions}/readMetadata'
          '${dataActions}/sqlDatabases/containers/items/*'
          '${dataActions}/sqlDatabases/containers/executeQuery'
        ]
      }
    ]
  }
}

// Clients ask the account itself where its containers are, before they ask for anything in them.
resource placesRole 'Microsoft.DocumentDB/databaseAccounts/sqlRoleDefinitions@2024-11-15' = {
  parent: account
  name: guid(account.id, 'places')
  properties: {
    roleName: 'Catamaran places'
    type: 'CustomRole'
    assignableScopes: [account.id]
    permissions: [
      { dataActions: ['${dataActions}/readMetadata'] }
    ]
  }
}

resource placesGrant 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2024-11-15' = {
  parent: account
  name: guid(account.id, principalId, 'places')
  properties: { principalId: principalId, roleDefinitionId: placesRole.id, scope: account.id }
  dependsOn: [grants]
}

// One after the other: the account refuses two at once.
@batchSize(1)
resource grants 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2024-11-15' = [
  for container in declared.containers: {
    parent: account
    name: guid(account.id, principalId, container.id)
    properties: {
      principalId: principalId
      roleDefinitionId: container.id == 'records' ? recordsRole.id : workRole.id
      scope: '${account.id}/dbs/${declared.database}/colls/${container.id}'
    }
    dependsOn: [containers]
  }
]

resource protection 'Microsoft.Authorization/locks@2020-05-01' = if (lasting) {
  scope: account
  name: 'records-stay'
  properties: { level: 'CanNotDelete', notes: 'Holds every record of this site.' }
}

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: account
  name: 'audit'
  properties: {
    workspaceId: workspaceId
    logs: [
      { category: 'ControlPlaneRequests', enabled: true }
    ]
  }
}

output id string = account.id
output endpoint string = account.properties.documentEndpoint
