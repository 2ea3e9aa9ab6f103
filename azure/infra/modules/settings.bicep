param appName string
param hostStorageName string
param insightsName string
param clientId string
param cosmosEndpoint string
param blobEndpoint string
param queueEndpoint string
param vaultUri string
param stage string
param publicUrl string
param edgeUrl string
param peerUrl string
param peerPublicKeys string
param peerIssuer string
param peerSubjects string
param peerAudience string
param peerTokenAudience string
param signingPublicKeys string
param allowedOrigins string
param siteIncarnation string
param analysisFeatures string
param streamCodecs string
param signIn string
param visionEndpoint string
param logLevel string

var stores = loadJsonContent('../stores.json')

resource app 'Microsoft.Web/sites@2024-04-01' existing = {
  name: appName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

// Azure resolves the references to the vault, so that no template holds a secret.
resource settings 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: app
  name: 'appsettings'
  properties: union(stores.settings, {
    AzureWebJobsStorage__accountName: hostStorageName
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__clientId: clientId
    APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${clientId};Authorization=AAD'
    AZURE_CLIENT_ID: clientId
    COSMOS__accountEndpoint: cosmosEndpoint
    COSMOS__credential: 'managedidentity'
    COSMOS__clientId: clientId
    COSMOS_DATABASE: stores.cosmos.database
    STORAGE__blobServiceUri: blobEndpoint
    STORAGE__queueServiceUri: queueEndpoint
    STORAGE__credential: 'managedidentity'
    STORAGE__clientId: clientId
    CATAMARAN_STAGE: stage
    LOG_LEVEL: logLevel
    PUBLIC_URL: publicUrl
    EDGE_URL: edgeUrl
    // Where the zip has it, if it was built: see docs/ffmpeg.md.
    FFMPEG_PATH: '/home/site/wwwroot/bin/ffmpeg'
    PEER_URL: peerUrl
    PEER_PUBLIC_KEYS: peerPublicKeys
    PEER_ISSUER: peerIssuer
    PEER_SUBJECTS: peerSubjects
    PEER_AUDIENCE: peerAudience
    PEER_TOKEN_AUDIENCE: peerTokenAudience
    PEER_PRIVATE_KEY: !empty(peerTokenAudience) ? '' : '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/peer-private-key)'
    SIGNING_PRIVATE_KEY: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/signing-private-key)'
    SIGNING_PUBLIC_KEYS: signingPublicKeys
    ALLOWED_ORIGINS: allowedOrigins
    SITE_INCARNATION: siteIncarnation
    ANALYSIS_FEATURES: analysisFeatures
    STREAM_CODECS: streamCodecs
    SIGN_IN: signIn
    VISION_ENDPOINT: visionEndpoint
    // Only where both clouds run on one machine may users name servers of it.
    PRIVATE_ADDRESSES: 'false'
  })
}
