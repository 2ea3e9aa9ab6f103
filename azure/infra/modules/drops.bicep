param name string
param location string
param tags object
param storageName string

var subscriptions = loadJsonContent('../stores.json').eventSubscriptions
var roles = loadJsonContent('../roles.json')
var deliveryRoles = [roles.storageQueueDataMessageSender, roles.storageBlobDataContributor]

resource storage 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: storageName
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' existing = {
  parent: storage
  name: 'default'
}

resource failures 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' existing = {
  parent: blobs
  name: 'failures'
}

resource topic 'Microsoft.EventGrid/systemTopics@2022-06-15' = {
  name: name
  location: location
  tags: tags
  identity: { type: 'SystemAssigned' }
  properties: { source: storage.id, topicType: 'Microsoft.Storage.StorageAccounts' }
}

resource queueGrant 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: storage
  name: guid(storage.id, name, deliveryRoles[0])
  properties: {
    principalId: topic.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', deliveryRoles[0])
  }
}

resource failuresGrant 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: failures
  name: guid(storage.id, name, deliveryRoles[1])
  properties: {
    principalId: topic.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', deliveryRoles[1])
  }
}

resource deliveries 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2022-06-15' = [
  for delivery in subscriptions: {
    parent: topic
    name: delivery.name
    properties: {
      eventDeliverySchema: 'EventGridSchema'
      deliveryWithResourceIdentity: {
        identity: { type: 'SystemAssigned' }
        destination: {
          endpointType: 'StorageQueue'
          properties: {
            resourceId: storage.id
            queueName: delivery.queue
            queueMessageTimeToLiveInSeconds: 1209600
          }
        }
      }
      deadLetterWithResourceIdentity: {
        identity: { type: 'SystemAssigned' }
        deadLetterDestination: {
          endpointType: 'StorageBlob'
          properties: { resourceId: storage.id, blobContainerName: 'failures' }
        }
      }
      filter: {
        includedEventTypes: delivery.eventTypes
        subjectBeginsWith: '/blobServices/default/containers/${delivery.container}/blobs/${delivery.prefix}'
        isSubjectCaseSensitive: true
      }
      retryPolicy: { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440 }
    }
    dependsOn: [queueGrant, failuresGrant]
  }
]
