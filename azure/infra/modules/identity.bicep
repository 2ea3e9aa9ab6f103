param name string
param location string
param tags object

// One app runs every function, so all of them are this one identity.
resource site 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: name
  location: location
  tags: tags
}

output id string = site.id
output principalId string = site.properties.principalId
output clientId string = site.properties.clientId
