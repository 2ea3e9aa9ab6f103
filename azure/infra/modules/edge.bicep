param name string
param tags object
param apiHost string
param peerHost string
param blobHost string
param customDomain string
param workspaceId string
param routing string
param siteWeight int
param peerWeight int

// Whoever answers within this of the fastest is as good: with 0 the nearest alone, with the most that there is both, by weight.
var borneMs = { failover: 50, latency: 0, weighted: 1000 }

resource profile 'Microsoft.Cdn/profiles@2024-02-01' = {
  name: name
  location: 'global'
  tags: tags
  sku: { name: 'Standard_AzureFrontDoor' }
  identity: { type: 'SystemAssigned' }
  properties: { originResponseTimeoutSeconds: 60 }
}

resource endpoint 'Microsoft.Cdn/profiles/afdEndpoints@2024-02-01' = {
  parent: profile
  name: name
  location: 'global'
  tags: tags
  properties: { enabledState: 'Enabled' }
}

// A probe every 30 seconds, three of four well: a dead site is left after about a minute.
resource apis 'Microsoft.Cdn/profiles/originGroups@2024-02-01' = {
  parent: profile
  name: 'apis'
  properties: {
    healthProbeSettings: {
      probePath: '/v1/health/ready'
      probeProtocol: 'Https'
      probeRequestType: 'GET'
      probeIntervalInSeconds: 30
    }
    loadBalancingSettings: { sampleSize: 4, successfulSamplesRequired: 3, additionalLatencyInMilliseconds: borneMs[routing] }
    sessionAffinityState: 'Disabled'
  }
}

resource thisSite 'Microsoft.Cdn/profiles/originGroups/origins@2024-02-01' = {
  parent: apis
  name: 'azure'
  properties: {
    hostName: apiHost
    originHostHeader: apiHost
    httpsPort: 443
    priority: 1
    weight: siteWeight
    enabledState: 'Enabled'
    enforceCertificateNameCheck: true
  }
}

resource otherSite 'Microsoft.Cdn/profiles/originGroups/origins@2024-02-01' = if (!empty(peerHost)) {
  parent: apis
  name: 'aws'
  properties: {
    hostName: peerHost
    originHostHeader: peerHost
    httpsPort: 443
    priority: routing == 'failover' ? 2 : 1
    weight: peerWeight
    enabledState: 'Enabled'
    enforceCertificateNameCheck: true
  }
}

// One origin alone is used whatever a probe says, so it has none.
resource stores 'Microsoft.Cdn/profiles/originGroups@2024-02-01' = {
  parent: profile
  name: 'stores'
  properties: {
    loadBalancingSettings: { sampleSize: 4, successfulSamplesRequired: 3, additionalLatencyInMilliseconds: 50 }
    sessionAffinityState: 'Disabled'
  }
}

resource blobs 'Microsoft.Cdn/profiles/originGroups/origins@2024-02-01' = {
  parent: stores
  name: 'blobs'
  properties: {
    hostName: blobHost
    originHostHeader: blobHost
    httpsPort: 443
    priority: 1
    weight: 1000
    enabledState: 'Enabled'
    enforceCertificateNameCheck: true
  }
}

resource rules 'Microsoft.Cdn/profiles/ruleSets@2024-02-01' = {
  parent: profile
  name: 'headers'
}

var headers = [
  { name: 'Strict-Transport-Security', value: 'max-age=31536000; includeSubDomains' }
  { name: 'X-Content-Type-Options', value: 'nosniff' }
  // What users upload is never a page of ours.
  { name: 'Content-Security-Policy', value: 'default-src \'none\'; style-src \'unsafe-inline\'; sandbox' }
  { name: 'Referrer-Policy', value: 'no-referrer' }
  { name: 'Cross-Origin-Resource-Policy', value: 'cross-origin' }
]

resource securityHeaders 'Microsoft.Cdn/profiles/ruleSets/rules@2024-02-01' = {
  parent: rules
  name: 'security'
  properties: {
    order: 1
    matchProcessingBehavior: 'Continue'
    actions: [
      for header in headers: {
        name: 'ModifyResponseHeader'
        parameters: {
          typeName: 'DeliveryRuleHeaderActionParameters'
          headerAction: 'Overwrite'
          headerName: header.name
          value: header.value
        }
      }
    ]
  }
}

var domains = empty(customDomain) ? [] : [{ id: domain.id }]

resource domain 'Microsoft.Cdn/profiles/customDomains@2024-02-01' = if (!empty(customDomain)) {
  parent: profile
  name: replace(empty(customDomain) ? 'none' : customDomain, '.', '-')
  properties: {
    hostName: customDomain
    tlsSettings: { certificateType: 'ManagedCertificate', minimumTlsVersion: 'TLS12' }
  }
}

// Path and query go on as they are and Blob Storage checks the signature; what is cached is found by both.
resource objectsRoute 'Microsoft.Cdn/profiles/afdEndpoints/routes@2024-02-01' = {
  parent: endpoint
  name: 'objects'
  properties: {
    originGroup: { id: stores.id }
    customDomains: domains
    ruleSets: [{ id: rules.id }]
    patternsToMatch: ['/objects/*']
    supportedProtocols: ['Https']
    httpsRedirect: 'Disabled'
    forwardingProtocol: 'HttpsOnly'
    linkToDefaultDomain: 'Enabled'
    cacheConfiguration: {
      queryStringCachingBehavior: 'UseQueryString'
      compressionSettings: { isCompressionEnabled: false, contentTypesToCompress: [] }
    }
  }
  dependsOn: [blobs, securityHeaders]
}

resource apiRoute 'Microsoft.Cdn/profiles/afdEndpoints/routes@2024-02-01' = {
  parent: endpoint
  name: 'api'
  properties: {
    originGroup: { id: apis.id }
    customDomains: domains
    patternsToMatch: ['/*']
    supportedProtocols: ['Https']
    httpsRedirect: 'Disabled'
    forwardingProtocol: 'HttpsOnly'
    linkToDefaultDomain: 'Enabled'
  }
  dependsOn: [thisSite, otherSite, objectsRoute]
}

// The Standard tier has rules of one's own and limits of rate; managed rule sets need Premium.
resource firewall 'Microsoft.Network/FrontDoorWebApplicationFirewallPolicies@2024-02-01' = {
  name: replace(name, '-', '')
  location: 'global'
  tags: tags
  sku: { name: 'Standard_AzureFrontDoor' }
  properties: {
    policySettings: { enabledState: 'Enabled', mode: 'Prevention', customBlockResponseStatusCode: 429 }
    customRules: {
      rules: [
        {
          name: 'RateByAddress'
          enabledState: 'Enabled'
          priority: 1
          ruleType: 'RateLimitRule'
          rateLimitDurationInMinutes: 1
          rateLimitThreshold: 3000
          action: 'Block'
          matchConditions: [
            { matchVariable: 'SocketAddr', operator: 'IPMatch', negateCondition: false, matchValue: ['0.0.0.0/0', '::/0'] }
          ]
        }
        {
          name: 'ObjectsAreRead'
          enabledState: 'Enabled'
          priority: 2
          ruleType: 'MatchRule'
          action: 'Block'
          matchConditions: [
            { matchVariable: 'RequestUri', operator: 'Contains', negateCondition: false, matchValue: ['/objects/'] }
            { matchVariable: 'RequestMethod', operator: 'Equal', negateCondition: true, matchValue: ['GET', 'HEAD', 'OPTIONS'] }
          ]
        }
      ]
    }
  }
}

resource guard 'Microsoft.Cdn/profiles/securityPolicies@2024-02-01' = {
  parent: profile
  name: 'firewall'
  properties: {
    parameters: {
      type: 'WebApplicationFirewall'
      wafPolicy: { id: firewall.id }
      associations: [
        { domains: concat([{ id: endpoint.id }], domains), patternsToMatch: ['/*'] }
      ]
    }
  }
}

resource access 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: profile
  name: 'access'
  properties: {
    workspaceId: workspaceId
    logs: [
      { category: 'FrontDoorHealthProbeLog', enabled: true }
      { category: 'FrontDoorWebApplicationFirewallLog', enabled: true }
    ]
  }
}

output host string = empty(customDomain) ? endpoint.properties.hostName : customDomain
output profileName string = profile.name
output principalId string = profile.identity.principalId
output firewallId string = firewall.id
