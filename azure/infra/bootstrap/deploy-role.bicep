targetScope = 'subscription'

// The identity in which a stage is deployed by GitHub's pipelines: once for each stage, by an owner of the subscription. It
// adds and changes what azure/infra declares, and deletes nothing.
@minLength(2)
@maxLength(16)
param stage string

param location string

@description('OWNER/NAME at GitHub.')
param repository string

var roles = loadJsonContent('../roles.json')
var types = loadJsonContent('deploy-types.json')
var service = 'catamaran-${stage}'
var subscriptionId = subscription().id
var groupId = '${subscriptionId}/resourceGroups/${service}'
var tags = { service: 'catamaran', stage: stage }

var writes = [for type in types.written: '${type}/write']

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: '${service}-deploy'
  location: location
  tags: tags
}

module identity 'deploy-identity.bicep' = {
  scope: group
  name: 'deploy-identity'
  params: { name: '${service}-deploy', location: location, tags: tags, subject: 'repo:${repository}:environment:${stage}' }
}

resource role 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(groupId, 'deploy')
  properties: {
    roleName: 'Catamaran deploy ${stage}'
    type: 'CustomRole'
    assignableScopes: [subscriptionId]
    permissions: [
      {
        actions: concat(types.actions, writes)
      }
    ]
  }
}

// Of the roles that there are it may give those alone which the templates give.
var builtIn = [for one in items(roles): one.value]
var ours = [for name in ['objects', 'signing', 'analysis']: guid(groupId, name)]
var given = join(concat(builtIn, ours), ', ')

resource grant 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(groupId, 'deploy', 'grant')
  properties: {
    principalId: identity.outputs.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.name)
    conditionVersion: '2.0'
    condition: '((!(ActionMatches{\'Microsoft.Authorization/roleAssignments/write\'})) OR (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {${given}}))'
  }
}

// The packages that run, so that the one before can be put back; no other container.
resource packages 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(groupId, 'deploy', 'packages')
  properties: {
    principalId: identity.outputs.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageBlobDataContributor)
    conditionVersion: '2.0'
    condition: '(@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringEquals \'packages\')'
  }
}

output AZURE_CLIENT_ID string = identity.outputs.clientId
output AZURE_TENANT_ID string = tenant().tenantId
