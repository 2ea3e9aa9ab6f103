param name string
param location string
param tags object

@allowed(['Consumption', 'BasicV2', 'StandardV2'])
param tier string

param publisherEmail string
param appHost string
param signIn string
param allowedOrigins string

// The Consumption tier has no limits by key: there the edge's firewall and the app itself limit the rate.
var limits = tier == 'Consumption' ? '' : loadTextContent('../policies/rate.xml')
// A look at each token before the app looks at it, by the issuer that it names; one of nobody known is the app's to refuse.
var issuers = empty(signIn) ? [] : json(signIn)
var token = loadTextContent('../policies/token.xml')
// An issuer's name may end with a slash, its keys are below it all the same.
var places = [for one in issuers: endsWith(one.issuer, '/') ? one.issuer : '${one.issuer}/']
// Cognito's access tokens name the client that they are for, all others an audience.
var client = loadTextContent('../policies/client.xml')
var audience = loadTextContent('../policies/audience.xml')
var receivers = [for one in issuers: contains(one.issuer, 'cognito-idp') ? client : audience]
var checks = [for (one, index) in issuers: replace(token, '<!-- receiver -->', receivers[index])]
var filled = [
  for (one, index) in issuers: replace(replace(replace(checks[index], 'PLACE', places[index]), 'ISSUER', one.issuer), 'RECEIVER', one.audience)
]
var tokens = empty(issuers) ? '' : '<choose>${join(filled, '')}</choose>'
// What the gateway answers by itself is a problem as the app's own are; the first is for bodies that are too large.
var refusals = loadJsonContent('../policies/refusals.json')
var headers = { none: '', challenge: loadTextContent('../policies/challenge.xml'), later: loadTextContent('../policies/later.xml') }
var forms = [for one in refusals: replace(loadTextContent('../policies/refusal.xml'), '<!-- header -->', headers[one.header])]
var named = [for (one, index) in refusals: replace(replace(forms[index], 'STATUS', string(one.status)), 'CODE', one.code)]
var answers = [for (one, index) in refusals: replace(replace(named[index], 'TITLE', one.title), 'DETAIL', one.detail)]
var cases = [for (one, index) in refusals: '<when condition="@(${one.when})">${answers[index]}</when>']
var known = replace(loadTextContent('../policies/api.xml'), 'ORIGINS', replace(allowedOrigins, ' ', ''))
var accepted = replace(replace(known, '<!-- limits -->', limits), '<!-- tokens -->', tokens)
var policy = replace(replace(accepted, '<!-- too large -->', answers[0]), '<!-- refusals -->', join(cases, ''))
var apiUrl = 'https://${appHost}'

resource gateway 'Microsoft.ApiManagement/service@2024-05-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: tier, capacity: tier == 'Consumption' ? 0 : 1 }
  identity: { type: 'SystemAssigned' }
  properties: { publisherEmail: publisherEmail, publisherName: 'Catamaran' }
}

// `npm run stage` writes the document that the API itself serves at /openapi.json.
resource api 'Microsoft.ApiManagement/service/apis@2024-05-01' = {
  parent: gateway
  name: 'catamaran'
  properties: {
    displayName: 'Catamaran'
    path: ''
    protocols: ['https']
    subscriptionRequired: false
    serviceUrl: apiUrl
    format: 'openapi+json'
    // As JSON, since a template may hold no text of more than 131,072 characters.
    value: string(loadJsonContent('../../../dist/openapi.json'))
  }
}

// What no OpenAPI document names.
var others = [
  { name: 'index', method: 'GET', path: '/' }
  { name: 'docs', method: 'GET', path: '/docs' }
  { name: 'document', method: 'GET', path: '/openapi.json' }
  { name: 'heads', method: 'HEAD', path: '/*' }
  { name: 'options', method: 'OPTIONS', path: '/*' }
]

// One after the other: the gateway refuses two at once.
@batchSize(1)
resource otherOperations 'Microsoft.ApiManagement/service/apis/operations@2024-05-01' = [
  for other in others: {
    parent: api
    name: other.name
    properties: { displayName: other.name, method: other.method, urlTemplate: other.path, templateParameters: [] }
  }
]

resource apiPolicy 'Microsoft.ApiManagement/service/apis/policies@2024-05-01' = {
  parent: api
  name: 'policy'
  properties: { format: 'xml', value: policy }
}

// The other site signs its calls with keys that only the app knows, so they pass as they are.
resource peerApi 'Microsoft.ApiManagement/service/apis@2024-05-01' = {
  parent: gateway
  name: 'peer'
  properties: {
    displayName: 'Peer'
    path: 'peer'
    protocols: ['https']
    subscriptionRequired: false
    serviceUrl: '${apiUrl}/peer'
  }
}

@batchSize(1)
resource peerOperations 'Microsoft.ApiManagement/service/apis/operations@2024-05-01' = [
  for method in ['GET', 'POST']: {
    parent: peerApi
    name: toLower(method)
    properties: { displayName: method, method: method, urlTemplate: '/*', templateParameters: [] }
  }
]

resource peerPolicy 'Microsoft.ApiManagement/service/apis/policies@2024-05-01' = {
  parent: peerApi
  name: 'policy'
  properties: { format: 'xml', value: loadTextContent('../policies/peer.xml') }
}

output host string = replace(gateway.properties.gatewayUrl, 'https://', '')
