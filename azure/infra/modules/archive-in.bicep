param storageName string
param sourceId string
param sourceContainer string
param container string

// The receiving side comes first: it makes the numbers that the sending side has to repeat.
resource storage 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: storageName
}

resource incoming 'Microsoft.Storage/storageAccounts/objectReplicationPolicies@2023-05-01' = {
  parent: storage
  name: 'default'
  properties: {
    sourceAccount: sourceId
    destinationAccount: storage.id
    rules: [
      { sourceContainer: sourceContainer, destinationContainer: container, filters: { minCreationTime: '1601-01-01T00:00:00Z' } }
    ]
  }
}

output policyId string = incoming.properties.policyId
output ruleId string = incoming.properties.rules[0].ruleId
