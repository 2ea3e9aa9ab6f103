// The name of both sites, which DNS leads to one of them: see docs/failover.md. Behind it, and behind the host that DNS
// probes, stands this site alone: a probe that the other one answered would say nothing of this one.
param profileName string
param principalId string
param firewallId string
param vaultName string
param apiHost string
param name string
param tags object
param publicDomain string

var roles = loadJsonContent('../roles.json')

resource profile 'Microsoft.Cdn/profiles@2024-02-01' existing = {
  name: profileName
}

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: vaultName
}

resource endpoint 'Microsoft.Cdn/profiles/afdEndpoints@2024-02-01' = {
  parent: profile
  name: '${name}-site'
  location: 'global'
  tags: tags
  properties: { enabledState: 'Enabled' }
}

// One origin alone is used whatever a probe says, so it has none.
resource site 'Microsoft.Cdn/profiles/originGroups@2024-02-01' = {
  parent: profile
  name: 'site'
  properties: {
    loadBalancingSettings: { sampleSize: 4, successfulSamplesRequired: 3, additionalLatencyInMilliseconds: 50 }
    sessionAffinityState: 'Disabled'
  }
}

resource api 'Microsoft.Cdn/profiles/originGroups/origins@2024-02-01' = {
  parent: site
  name: 'api'
  properties: {
    hostName: apiHost
    originHostHeader: apiHost
    httpsPort: 443
    priority: 1
    weight: 1000
    enabledState: 'Enabled'
    enforceCertificateNameCheck: true
  }
}

// Put in by hand, as docs/deploy.md says. One of Front Door's own is renewed only while DNS leads here, and would have run
// out by the time that it does.
resource certificate 'Microsoft.KeyVault/vaults/secrets@2023-07-01' existing = {
  parent: vault
  name: 'public-name'
}

resource readsCertificate 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: certificate
  name: guid(certificate.id, roles.keyVaultSecretsUser, principalId)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.keyVaultSecretsUser)
  }
}

resource secret 'Microsoft.Cdn/profiles/secrets@2024-02-01' = {
  parent: profile
  name: 'public-name'
  properties: {
    parameters: { type: 'CustomerCertificate', secretSource: { id: certificate.id }, useLatestVersion: true }
  }
  dependsOn: [readsCertificate]
}

resource domain 'Microsoft.Cdn/profiles/customDomains@2024-02-01' = {
  parent: profile
  name: replace(publicDomain, '.', '-')
  properties: {
    hostName: publicDomain
    tlsSettings: { certificateType: 'CustomerCertificate', minimumTlsVersion: 'TLS12', secret: { id: secret.id } }
  }
}

resource route 'Microsoft.Cdn/profiles/afdEndpoints/routes@2024-02-01' = {
  parent: endpoint
  name: 'api'
  properties: {
    originGroup: { id: site.id }
    customDomains: [{ id: domain.id }]
    patternsToMatch: ['/*']
    supportedProtocols: ['Https']
    httpsRedirect: 'Disabled'
    forwardingProtocol: 'HttpsOnly'
    linkToDefaultDomain: 'Enabled'
  }
  dependsOn: [api]
}

resource guard 'Microsoft.Cdn/profiles/securityPolicies@2024-02-01' = {
  parent: profile
  name: 'firewall-public-name'
  properties: {
    parameters: {
      type: 'WebApplicationFirewall'
      wafPolicy: { id: firewallId }
      associations: [
        { domains: [{ id: endpoint.id }, { id: domain.id }], patternsToMatch: ['/*'] }
      ]
    }
  }
}

output host string = endpoint.properties.hostName
output proof string = domain.properties.validationProperties.validationToken
