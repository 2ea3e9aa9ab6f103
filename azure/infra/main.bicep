targetScope = 'subscription'

@description('The stage; azd calls it the environment.')
@minLength(2)
@maxLength(16)
param stage string

param location string

@description('Where alarms and the budget write to.')
param operatorEmail string

@description('Where the other site is called. Empty until it has been deployed: see docs/deploy.md.')
param peerUrl string = ''

@description('The public keys of the other site, a JWKS (RFC 7517) in base64: azd cannot carry quotes.')
param peerPublicKeysBase64 string = ''

@description('The identity service of the other site: the issuer that its AWS account has for tokens. Empty: it is known by its keys.')
param peerIssuer string = ''

@description('The roles of the other site that may call this one, with commas between.')
param peerSubjects string = ''

@description('The audience that tokens of the other site carry.')
param peerAudience string = ''

@description('The application in whose name this site asks Entra ID for tokens for the other one. Empty: it signs with a key of its own.')
param peerTokenAudience string = ''

@description('The public keys of both sites, by which each takes what the other signed, a JWKS (RFC 7517) in base64: see docs/deploy.md.')
param signingPublicKeysBase64 string = ''

@description('The host of the other site behind its own domain, to which Front Door turns when this one is down.')
param peerHost string = ''

@description('The host name of this site. Empty: the one that Azure gives.')
param customDomain string = ''

@description('The name of both sites, which DNS leads to one of them. Needs the edge, and a certificate in the vault: see docs/deploy.md.')
param publicDomain string = ''

@description('Origins whose pages may call the API, separated by commas.')
param allowedOrigins string = ''

@description('One more with each restore from a backup: see docs/operations.md.')
param siteIncarnation string = '0'

@description('What AI Vision is asked of pictures, of labels,text,faces,moderation with commas between; empty: nothing.')
param analysisFeatures string = ''

@description('What adaptive streams are encoded in besides H.264, of hevc and av1.')
param streamCodecs string = ''

@description('Whose access tokens the API takes besides its own keys, a JSON array in base64: see docs/sign-in.md; empty: none.')
param signInBase64 string = ''

@allowed(['debug', 'info', 'warn', 'error'])
param logLevel string = 'info'

@description('Whether the logs go to an event hub, from where a central store takes them.')
@allowed(['on', 'off'])
param logForwarding string = 'off'

@description('The issuer that the AWS account has for tokens, and the role there that may read the logs. Empty: nobody reads from there.')
param logReaderIssuer string = ''
param logReaderSubject string = ''

@description('Whether Front Door stands before the API and the objects. It costs as much idle as busy; without it both are reached as they are.')
@allowed(['on', 'off'])
param edge string = 'on'

@description('Which site the edge turns to: this one while it is well, the one that answers sooner, or both by weight.')
@allowed(['failover', 'latency', 'weighted'])
param routing string = 'failover'

@description('Of 1,000; 0 is taken for 1, which is the least that Front Door takes. Text, for azd knows no numbers.')
param siteWeight string = '128'
param peerWeight string = '127'

@description('Whether the alarms watch. Each is a query that is paid for.')
@allowed(['on', 'off'])
param alarms string = 'on'

@description('Serverless costs nothing when idle; autoscale carries more than 5,000 request units a second.')
@allowed(['serverless', 'autoscale'])
param recordsCapacity string = 'serverless'

param recordsThroughputMax int = 10000

@description('Whose key the stores wrap theirs with: the platform\'s, or one of one\'s own in the vault. It is chosen before the first deployment.')
@allowed(['platform', 'own'])
param storesKey string = 'platform'

@description('Consumption costs nothing when idle; the others limit the rate of each key.')
@allowed(['Consumption', 'BasicV2', 'StandardV2'])
param gatewayTier string = 'Consumption'

@allowed([512, 2048, 4096])
param instanceMemoryMB int = 4096

@minValue(40)
@maxValue(1000)
param instancesMax int = 100

@description('Instances that never sleep, by scaling group: http, function:change-feed, function:job ...')
param alwaysReady array = []

@description('Whether it is there to stay. What is a developer\'s own has no locks, so that it can be taken away.')
param lasting bool = contains(['dev', 'staging', 'production'], stage)

@description('In the currency of the subscription, a month.')
param budgetAmount int = 200

@description('The first day of a month, yyyy-mm-01.')
param budgetStart string = utcNow('yyyy-MM-01')

var service = 'catamaran'
var tags = { 'azd-env-name': stage, service: service, stage: stage }
var token = toLower(uniqueString(subscription().id, service, stage, location))
// Links are signed by Blob Storage either way, which is what Front Door passes them on to. Never by the public name: that may
// lead to the other site, which has none of these objects' links.
var edgeUrl = edge == 'on' ? 'https://${frontDoor.outputs.host}' : 'https://${objects.outputs.blobHost}'
var visionName = 'catavision${token}'

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: '${service}-${stage}'
  location: location
  tags: tags
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  name: 'monitoring'
  params: { name: '${service}-${stage}', location: location, tags: tags, operatorEmail: operatorEmail }
}

module identity 'modules/identity.bicep' = {
  scope: group
  name: 'identity'
  params: { name: '${service}-${stage}', location: location, tags: tags }
}

module vault 'modules/vault.bicep' = {
  scope: group
  name: 'vault'
  params: {
    name: 'cata-${token}'
    location: location
    tags: tags
    principalId: identity.outputs.principalId
    workspaceId: monitoring.outputs.workspaceId
  }
}

module keys 'modules/keys.bicep' = if (storesKey == 'own') {
  scope: group
  name: 'keys'
  params: {
    name: '${service}-${stage}'
    location: location
    tags: tags
    lasting: lasting
    vaultName: vault.outputs.name
  }
}

var key = storesKey == 'own' ? {
  identityId: keys.outputs.identityId
  vaultUri: vault.outputs.uri
  name: keys.outputs.keyName
  uri: keys.outputs.keyUri
} : {}

module records 'modules/records.bicep' = {
  scope: group
  name: 'records'
  params: {
    name: '${service}-${stage}-${token}'
    location: location
    tags: tags
    capacity: recordsCapacity
    throughputMax: recordsThroughputMax
    principalId: identity.outputs.principalId
    workspaceId: monitoring.outputs.workspaceId
    lasting: lasting
    key: key
  }
}

module objects 'modules/objects.bicep' = {
  scope: group
  name: 'objects'
  params: {
    name: 'cata${token}'
    location: location
    tags: tags
    principalId: identity.outputs.principalId
    workspaceId: monitoring.outputs.workspaceId
    lasting: lasting
    key: key
  }
}

module archive 'modules/archive.bicep' = {
  scope: group
  name: 'archive'
  params: { name: 'catavault${token}', location: location, tags: tags, lasting: lasting, key: key }
}

module archiveIn 'modules/archive-in.bicep' = {
  scope: group
  name: 'archive-in'
  params: {
    storageName: archive.outputs.name
    sourceId: objects.outputs.id
    sourceContainer: 'objects'
    container: archive.outputs.container
  }
}

module archiveOut 'modules/archive-out.bicep' = {
  scope: group
  name: 'archive-out'
  params: {
    storageName: objects.outputs.name
    destinationId: archive.outputs.id
    destinationContainer: archive.outputs.container
    container: 'objects'
    policyId: archiveIn.outputs.policyId
    ruleId: archiveIn.outputs.ruleId
  }
}

module drops 'modules/drops.bicep' = {
  scope: group
  name: 'drops'
  params: {
    name: '${service}-${stage}-drops'
    location: location
    tags: tags
    storageName: objects.outputs.name
  }
}

module vision 'modules/vision.bicep' = if (!empty(analysisFeatures)) {
  scope: group
  name: 'vision'
  params: {
    name: visionName
    location: location
    tags: tags
    principalId: identity.outputs.principalId
    workspaceId: monitoring.outputs.workspaceId
  }
}

module app 'modules/app.bicep' = {
  scope: group
  name: 'app'
  params: {
    name: '${service}-${stage}-${token}'
    hostStorageName: 'catahost${token}'
    location: location
    tags: tags
    identityId: identity.outputs.id
    principalId: identity.outputs.principalId
    insightsName: monitoring.outputs.insightsName
    instanceMemoryMB: instanceMemoryMB
    instancesMax: instancesMax
    alwaysReady: alwaysReady
  }
}

module gateway 'modules/gateway.bicep' = {
  scope: group
  name: 'gateway'
  params: {
    name: '${service}-${stage}-${token}'
    location: location
    tags: tags
    tier: gatewayTier
    publisherEmail: operatorEmail
    appHost: app.outputs.host
    signIn: base64ToString(signInBase64)
    allowedOrigins: allowedOrigins
  }
}

module frontDoor 'modules/edge.bicep' = if (edge == 'on') {
  scope: group
  name: 'edge'
  params: {
    name: '${service}-${stage}'
    tags: tags
    apiHost: gateway.outputs.host
    peerHost: peerHost
    blobHost: objects.outputs.blobHost
    customDomain: customDomain
    workspaceId: monitoring.outputs.workspaceId
    routing: routing
    siteWeight: max(1, int(siteWeight))
    peerWeight: max(1, int(peerWeight))
  }
}

var hasPublicName = edge == 'on' && !empty(publicDomain)

module publicName 'modules/public-name.bicep' = if (hasPublicName) {
  scope: group
  name: 'public-name'
  params: {
    profileName: frontDoor.outputs.profileName
    principalId: frontDoor.outputs.principalId
    firewallId: frontDoor.outputs.firewallId
    vaultName: vault.outputs.name
    apiHost: gateway.outputs.host
    name: '${service}-${stage}'
    tags: tags
    publicDomain: publicDomain
  }
}

// After everything whose address it names.
module settings 'modules/settings.bicep' = {
  scope: group
  name: 'settings'
  params: {
    appName: app.outputs.name
    hostStorageName: app.outputs.hostStorageName
    insightsName: monitoring.outputs.insightsName
    clientId: identity.outputs.clientId
    cosmosEndpoint: records.outputs.endpoint
    blobEndpoint: objects.outputs.blobEndpoint
    queueEndpoint: objects.outputs.queueEndpoint
    vaultUri: vault.outputs.uri
    stage: stage
    publicUrl: 'https://${gateway.outputs.host}'
    edgeUrl: edgeUrl
    peerUrl: peerUrl
    peerPublicKeys: base64ToString(peerPublicKeysBase64)
    peerIssuer: peerIssuer
    peerSubjects: peerSubjects
    peerAudience: peerAudience
    peerTokenAudience: peerTokenAudience
    signingPublicKeys: base64ToString(signingPublicKeysBase64)
    allowedOrigins: allowedOrigins
    siteIncarnation: siteIncarnation
    analysisFeatures: analysisFeatures
    streamCodecs: streamCodecs
    signIn: base64ToString(signInBase64)
    visionEndpoint: empty(analysisFeatures) ? '' : 'https://${visionName}.cognitiveservices.azure.com'
    logLevel: logLevel
  }
}

module logs 'modules/log-forwarding.bicep' = if (logForwarding == 'on') {
  scope: group
  name: 'log-forwarding'
  params: {
    name: '${service}-${stage}-${token}'
    location: location
    tags: tags
    workspaceName: monitoring.outputs.workspaceName
    readerIssuer: logReaderIssuer
    readerSubject: logReaderSubject
  }
}

module alarmRules 'modules/alarms.bicep' = if (alarms == 'on') {
  scope: group
  name: 'alarms'
  params: {
    name: '${service}-${stage}'
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    recordsId: records.outputs.id
    actionGroupId: monitoring.outputs.actionGroupId
  }
}

module budget 'modules/budget.bicep' = {
  scope: group
  name: 'budget'
  params: {
    name: '${service}-${stage}'
    amount: budgetAmount
    startDate: budgetStart
    operatorEmail: operatorEmail
  }
}

// What the other site, and the person who deploys, need to know.
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_KEY_VAULT_NAME string = vault.outputs.name
output SERVICE_API_NAME string = app.outputs.name
output PUBLIC_URL string = 'https://${gateway.outputs.host}'
output EDGE_URL string = edgeUrl
output PUBLIC_NAME_TARGET string = hasPublicName ? publicName.outputs.host : ''
output PUBLIC_NAME_PROOF string = hasPublicName ? publicName.outputs.proof : ''
output IDENTITY_CLIENT_ID string = identity.outputs.clientId
output IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId
output LOG_HUB_NAMESPACE string = logForwarding == 'on' ? logs.outputs.namespaceName : ''
output LOG_READER_CLIENT_ID string = logForwarding == 'on' ? logs.outputs.readerClientId : ''
output ENTRA_TENANT_ID string = tenant().tenantId
