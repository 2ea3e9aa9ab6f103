param name string
param location string
param tags object
param workspaceName string
param readerIssuer string
param readerSubject string

var roles = loadJsonContent('../roles.json')
var hasReader = !empty(readerIssuer) && !empty(readerSubject)

resource hubs 'Microsoft.EventHub/namespaces@2024-01-01' = {
  name: '${name}-logs'
  location: location
  tags: tags
  sku: { name: 'Standard', tier: 'Standard', capacity: 1 }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
    publicNetworkAccess: 'Enabled'
    isAutoInflateEnabled: true
    maximumThroughputUnits: 4
  }
}

resource hub 'Microsoft.EventHub/namespaces/eventhubs@2024-01-01' = {
  parent: hubs
  name: 'logs'
  properties: { partitionCount: 4, messageRetentionInDays: 7 }
}

resource readers 'Microsoft.EventHub/namespaces/eventhubs/consumergroups@2024-01-01' = {
  parent: hub
  name: 'central-store'
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: workspaceName
}

// Each record's `Message` is a line that the logger wrote, named as ECS does: the same as in the other cloud's bucket.
resource export 'Microsoft.OperationalInsights/workspaces/dataExports@2023-09-01' = {
  parent: workspace
  name: 'central-store'
  properties: {
    enable: true
    tableNames: ['AppTraces']
    destination: { resourceId: hubs.id, metaData: { eventHubName: hub.name } }
  }
}

// An identity that may read this one hub. Nobody here is it: one role of the other cloud is, by a token of its own cloud.
resource reader 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: '${name}-log-reader'
  location: location
  tags: tags
}

resource trust 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31' = if (hasReader) {
  parent: reader
  name: 'aws'
  properties: { issuer: readerIssuer, subject: readerSubject, audiences: ['api://AzureADTokenExchange'] }
}

resource grant 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: hub
  name: guid(hub.id, roles.eventHubsDataReceiver, reader.id)
  properties: {
    principalId: reader.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.eventHubsDataReceiver)
  }
}

output namespaceName string = hubs.name
output readerClientId string = reader.properties.clientId
