import type { Mutation } from './mutation.ts'

const mistake = (name: string, file: string, find: string, replace: string): Mutation => ({
  name,
  cloud: 'azure',
  file,
  find,
  replace,
})
const module = (name: string): string => `azure/infra/modules/${name}.bicep`
const bootstrap = (name: string): string => `azure/infra/bootstrap/${name}`
const workflow = '.github/workflows/deploy.yml'
const main = 'azure/infra/main.bicep'
const stores = 'azure/infra/stores.json'

export const azureMutations: readonly Mutation[] = [
  mistake('a name that is declared nowhere', module('drops'), 'parent: topic', 'parent: topics'),
  mistake('a module without a parameter it needs', main, '    vaultUri: vault.outputs.uri\n', ''),
  mistake('an output that no module has', main, 'objects.outputs.queueEndpoint', 'objects.outputs.queueUrl'),
  mistake('a property that Azure does not give', module('vault'), 'vault.properties.vaultUri', 'vault.properties.uri'),
  mistake('an API version that does not exist', module('vault'), 'vaults@2023-07-01', 'vaults@2023-17-01'),
  mistake('a brace too few', module('budget'), '  name: name\n  properties: {', '  name: name\n  properties: '),
  mistake(
    'shared keys for the objects',
    module('objects'),
    'allowSharedKeyAccess: false',
    'allowSharedKeyAccess: true',
  ),
  mistake('keys for the records', module('records'), 'disableLocalAuth: true', 'disableLocalAuth: false'),
  mistake('passwords that publish', module('app'), 'properties: { allow: false }', 'properties: { allow: true }'),
  mistake(
    'blobs that anybody may read',
    module('objects'),
    "    properties: { publicAccess: 'None' }\n  }\n]",
    "    properties: { publicAccess: 'Blob' }\n  }\n]",
  ),
  mistake('TLS 1.0', module('objects'), "minimumTlsVersion: 'TLS1_2'", "minimumTlsVersion: 'TLS1_0'"),
  mistake('objects without versions', module('objects'), 'isVersioningEnabled: true', 'isVersioningEnabled: false'),
  mistake(
    'no soft delete',
    module('objects'),
    'deleteRetentionPolicy: { enabled: true, days: 30 }',
    'deleteRetentionPolicy: { enabled: false }',
  ),
  mistake(
    'a vault whose versions can be removed',
    module('archive'),
    '    immutableStorageWithVersioning: { enabled: true }\n',
    '',
  ),
  mistake(
    'a vault that keeps for a day',
    module('archive'),
    'immutabilityPeriodSinceCreationInDays: 35',
    'immutabilityPeriodSinceCreationInDays: 1',
  ),
  mistake(
    'a vault that is never filled',
    module('archive-out'),
    'destinationContainer: destinationContainer',
    "destinationContainer: 'valt'",
  ),
  mistake('an account without a lock', module('records'), "level: 'CanNotDelete'", "level: 'NotSpecified'"),
  mistake('a key vault that can be purged', module('vault'), '    enablePurgeProtection: true\n', ''),
  mistake('no backups', module('records'), "type: 'Continuous'", "type: 'Periodic'"),
  mistake('reads that may be old', module('records'), "'Strong'", "'Session'"),
  mistake('a queue without its poison queue', stores, '"jobs", "jobs-poison"', '"jobs"'),
  mistake('items that never expire', stores, '"defaultTtl": -1,', ''),
  mistake('an index that reconcile needs', stores, '"path": "/feedKey", "order"', '"path": "/feedKeys", "order"'),
  mistake('a drop that nobody hears of', stores, '"Microsoft.Storage.BlobCreated", ', ''),
  mistake('a role that removes records', module('records'), 'containers/items/create', 'containers/items/delete'),
  mistake('a role that erases versions', module('objects'), "blobs/add/action'", "blobs/deleteBlobVersion/action'"),
  mistake(
    'the owner of all blobs',
    module('objects'),
    '  roles.storageQueueDataReader\n',
    '  roles.storageBlobDataOwner\n',
  ),
  mistake(
    'the number of another role',
    'azure/infra/roles.json',
    '4633458b-17de-408a-b874-0445c86b69e6',
    'b86a8fe4-44ce-4948-aee5-eccb2c155cd7',
  ),
  mistake(
    'an app without its identity',
    module('app'),
    'keyVaultReferenceIdentity: identityId',
    "keyVaultReferenceIdentity: 'SystemAssigned'",
  ),
  mistake('another runtime', module('app'), "version: '24'", "version: '20'"),
  mistake('a setting that is misspelt', module('settings'), 'PEER_URL: peerUrl', 'PEER_URI: peerUrl'),
  mistake(
    'a setting that the code refuses',
    module('settings'),
    'COSMOS__accountEndpoint: cosmosEndpoint',
    "COSMOS__accountEndpoint: 'records'",
  ),
  mistake('a trigger without an identity', module('settings'), '    STORAGE__clientId: clientId\n', ''),
  mistake(
    'a private key in the template',
    module('settings'),
    "SIGNING_PRIVATE_KEY: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/signing-private-key)'",
    'SIGNING_PRIVATE_KEY: signingPublicKeys',
  ),
  mistake(
    'a site that knows no key to verify by',
    module('settings'),
    '    SIGNING_PUBLIC_KEYS: signingPublicKeys\n',
    '',
  ),
  mistake(
    'a key to verify by that stays behind',
    module('settings'),
    'SIGNING_PUBLIC_KEYS: signingPublicKeys',
    "SIGNING_PUBLIC_KEYS: ''",
  ),
  mistake(
    'an alarm that is left out',
    module('alarms'),
    "if (alarm.key != 'store-throttles')",
    "if (alarm.key != 'store-throttles' && alarm.key != 'feed-age')",
  ),
  mistake('an alarm that tells nobody', module('alarms'), 'actionGroups: [actionGroupId]', 'actionGroups: []'),
  mistake('alarms on lines that have not arrived', module('alarms'), 'latenessSeconds = 300', 'latenessSeconds = 0'),
  mistake('metrics that are sampled away', 'host.json', 'Request;Exception;Trace', 'Request;Exception'),
  mistake('another schedule', 'azure/handlers/timer.ts', "'0 * * * * *'", "'0 */5 * * * *'"),
  mistake('a feed that gives up', 'azure/handlers/change-feed.ts', 'maxRetryCount: -1', 'maxRetryCount: 5'),
  mistake(
    'a feed that begins now',
    'azure/handlers/change-feed.ts',
    'startFromBeginning: true',
    'startFromBeginning: false',
  ),
  mistake('a queue that nobody sends to', 'azure/handlers/job.ts', "queueName: 'jobs'", "queueName: 'job'"),
  mistake('a method that is not answered', 'azure/handlers/http.ts', "'PATCH', ", ''),
  mistake('an instance that takes many jobs at once', 'host.json', '"batchSize": 1', '"batchSize": 8'),
  mistake('another number of tries', 'host.json', '"maxDequeueCount": 5', '"maxDequeueCount": 3'),
  mistake(
    'another time between tries',
    'host.json',
    '"visibilityTimeout": "00:00:10"',
    '"visibilityTimeout": "00:10:00"',
  ),
  mistake('jobs that are forgotten', 'azure/adapters/job-queue.ts', 'messageTimeToLive: -1', 'messageTimeToLive: 3600'),
  mistake('drops that are forgotten', module('drops'), 'TimeToLiveInSeconds: 1209600', 'TimeToLiveInSeconds: 3600'),
  mistake('a feed that waits for hours', 'azure/handlers/change-feed.ts', '{ minutes: 1 }', '{ hours: 1 }'),
  mistake('a time-out that differs', 'host.json', '00:15:00', '00:10:00'),
  mistake(
    'an unencrypted edge',
    module('edge'),
    "patternsToMatch: ['/*']\n    supportedProtocols: ['Https']",
    "patternsToMatch: ['/*']\n    supportedProtocols: ['Http', 'Https']",
  ),
  mistake('signed URLs cached without signature', module('edge'), "'UseQueryString'", "'IgnoreQueryString'"),
  mistake('a probe that nobody answers', module('edge'), "'/v1/health/ready'", "'/health'"),
  mistake(
    'objects that are read where nothing is',
    main,
    "'https://${objects.outputs.blobHost}'",
    "'https://${objects.outputs.blobEndpoint}'",
  ),
  mistake(
    'objects that are read by the public name',
    module('edge'),
    'endpoint.properties.hostName : customDomain',
    "endpoint.properties.hostName : 'api.example.com'",
  ),
  mistake('a public name that nobody is told of', main, 'publicName.outputs.host', 'frontDoor.outputs.host'),
  mistake(
    'a public name that the other site answers',
    module('public-name'),
    '    hostName: apiHost\n',
    "    hostName: 'aws.example.com'\n",
  ),
  mistake(
    'a public name whose certificate runs out',
    module('public-name'),
    "certificateType: 'CustomerCertificate', minimumTlsVersion: 'TLS12', secret: { id: secret.id }",
    "certificateType: 'ManagedCertificate', minimumTlsVersion: 'TLS12'",
  ),
  mistake(
    'a probe that nothing answers',
    module('public-name'),
    "linkToDefaultDomain: 'Enabled'",
    "linkToDefaultDomain: 'Disabled'",
  ),
  mistake(
    'a public name without a firewall',
    module('public-name'),
    '{ id: endpoint.id }, { id: domain.id }',
    '{ id: endpoint.id }',
  ),
  mistake('a firewall that only watches', module('edge'), "mode: 'Prevention'", "mode: 'Detection'"),
  mistake(
    'a word that Azure does not know',
    module('drops'),
    "endpointType: 'StorageQueue'",
    "endpointType: 'StorageQueues'",
  ),
  mistake('a number beyond its bounds', module('drops'), 'maxDeliveryAttempts: 30', 'maxDeliveryAttempts: 100'),
  mistake(
    'a right that the adapters need',
    module('objects'),
    "          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write'\n",
    '',
  ),
  mistake(
    'a parameter that azd does not know of',
    'azure/infra/main.parameters.json',
    '"operatorEmail"',
    '"operatorMail"',
  ),
  mistake(
    'a firewall turned round',
    module('edge'),
    "operator: 'Equal', negateCondition: true",
    "operator: 'Equal', negateCondition: false",
  ),
  mistake(
    'a right on every container',
    module('records'),
    'roleDefinitionId: placesRole.id, scope',
    'roleDefinitionId: workRole.id, scope',
  ),
  mistake('another cloud by any role', module('log-forwarding'), 'subject: readerSubject', "subject: '*'"),
  mistake('an issuer that is not asked by https', module('log-forwarding'), 'issuer: readerIssuer', "issuer: 'sts'"),
  mistake(
    'tokens made for others',
    module('log-forwarding'),
    "audiences: ['api://AzureADTokenExchange']",
    "audiences: ['sts.amazonaws.com']",
  ),
  mistake(
    'another cloud that is the site',
    module('identity'),
    'output id string',
    `resource trust 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31' = {
  parent: site
  name: 'aws'
  properties: {
    issuer: 'https://sts.example.com'
    subject: 'arn:aws:iam::123456789012:role/collector'
    audiences: ['api://AzureADTokenExchange']
  }
}

output id string`,
  ),
  mistake('a reader of every hub', module('log-forwarding'), '  scope: hub\n', '  scope: hubs\n'),
  mistake(
    'a reader that writes',
    module('log-forwarding'),
    "'Microsoft.Authorization/roleDefinitions', roles.eventHubsDataReceiver",
    "'Microsoft.Authorization/roleDefinitions', roles.storageBlobDataOwner",
  ),
  mistake('keys for the logs', module('log-forwarding'), 'disableLocalAuth: true', 'disableLocalAuth: false'),
  mistake('a hub for each table', module('log-forwarding'), 'eventHubName: hub.name', "eventHubName: 'log'"),
  mistake('logs that stay behind', module('log-forwarding'), "['AppTraces']", "['AppRequests']"),
  mistake('an upload that acts as a page', module('edge'), "; sandbox'", "'"),
  mistake('an output that the other site waits for', main, 'output IDENTITY_PRINCIPAL_ID', 'output PRINCIPAL_ID'),
  mistake('a variable that stays behind', workflow, '          PEER_HOST: ${{ vars.PEER_HOST }}\n', ''),
  mistake('a parameter that nobody can give', 'docs/deploy.md', '`budgetAmount`', 'the budget'),
  mistake('a pull request that deploys', bootstrap('deploy-role.bicep'), ':environment:${stage}', ':pull_request'),
  mistake('a deployment that deletes', bootstrap('deploy-types.json'), '"*/read",', '"*",'),
  mistake(
    'a deployment that gives any right',
    bootstrap('deploy-role.bicep'),
    "conditionVersion: '2.0'\n    condition: '((",
    "description: '((",
  ),
  mistake('a deployment without a right', bootstrap('deploy-types.json'), '    "Microsoft.Authorization/locks",\n', ''),
]
