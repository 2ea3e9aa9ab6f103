param name string
param location string
param tags object
param lasting bool
param vaultName string

var roles = loadJsonContent('../roles.json')

// The stores themselves wrap their keys with it. It is not the site's identity, which has no right on any key.
resource stores 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: '${name}-stores'
  location: location
  tags: tags
}

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: vaultName
}

resource key 'Microsoft.KeyVault/vaults/keys@2023-07-01' = {
  parent: vault
  name: 'data'
  properties: {
    kty: 'RSA'
    keySize: 3072
    keyOps: ['wrapKey', 'unwrapKey']
    rotationPolicy: {
      lifetimeActions: [
        { action: { type: 'rotate' }, trigger: { timeAfterCreate: 'P1Y' } }
      ]
    }
  }
}

resource grant 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: key
  name: guid(vault.id, roles.keyVaultCryptoServiceEncryptionUser, stores.id)
  properties: {
    principalId: stores.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.keyVaultCryptoServiceEncryptionUser)
  }
}

// Without the key nothing that is stored here can be read again.
resource protection 'Microsoft.Authorization/locks@2020-05-01' = if (lasting) {
  scope: vault
  name: 'keys-stay'
  properties: { level: 'CanNotDelete', notes: 'Holds the key of everything that is stored here.' }
}

output identityId string = stores.id
output keyName string = key.name
output keyUri string = key.properties.keyUri
