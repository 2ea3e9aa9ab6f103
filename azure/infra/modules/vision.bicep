param name string
param location string
param tags object
param principalId string
param workspaceId string

var groupId = resourceGroup().id

// Reached by its own name: tokens of identities are taken there alone.
resource vision 'Microsoft.CognitiveServices/accounts@2024-10-01' = {
  name: name
  location: location
  tags: tags
  kind: 'ComputerVision'
  sku: { name: 'S1' }
  properties: {
    customSubDomainName: name
    disableLocalAuth: true
    publicNetworkAccess: 'Enabled'
  }
}

// Narrower than the built-in user, which may list keys and use every other service.
resource analysisRole 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(groupId, 'analysis')
  properties: {
    roleName: 'Catamaran analysis ${uniqueString(groupId)}'
    type: 'CustomRole'
    assignableScopes: [groupId]
    permissions: [
      {
        actions: []
        dataActions: [
          'Microsoft.CognitiveServices/accounts/ComputerVision/analyze/action'
          'Microsoft.CognitiveServices/accounts/ComputerVision/imageanalysis:analyze/action'
        ]
      }
    ]
  }
}

resource analysisGrant 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: vision
  name: guid(vision.id, 'analysis', principalId)
  properties: { principalId: principalId, principalType: 'ServicePrincipal', roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', analysisRole.name) }
}

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: vision
  name: 'audit'
  properties: {
    workspaceId: workspaceId
    logs: [
      { category: 'Audit', enabled: true }
    ]
  }
}
