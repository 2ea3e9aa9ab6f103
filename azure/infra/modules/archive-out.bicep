param storageName string
param destinationId string
param destinationContainer string
param container string
param policyId string
param ruleId string

resource storage 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: storageName
}

resource outgoing 'Microsoft.Storage/storageAccounts/objectReplicationPolicies@2023-05-01' = {
  parent: storage
  name: policyId
  properties: {
    sourceAccount: storage.id
    destinationAccount: destinationId
    rules: [
      {
        ruleId: ruleId
        sourceContainer: container
        destinationContainer: destinationContainer
        filters: { minCreationTime: '1601-01-01T00:00:00Z' }
      }
    ]
  }
}
