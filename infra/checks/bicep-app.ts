import { parse } from 'yaml'
import { registrationsOf } from '../azure-app.ts'
import { resourcesOf } from '../bicep/deployments.ts'
import { distinct, type Expectation, missing, onResource, unmet } from '../bicep/rule.ts'
import { at, isList, type Resource, textOf, type Value } from '../bicep/value.ts'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'

const site = 'Microsoft.Web/sites'
const config = 'properties.functionAppConfig'
const identityOf = (resource: Resource): string | undefined =>
  Object.keys((resource.at('identity', 'userAssignedIdentities') as object | undefined) ?? {})[0]

const isIdentity = (value: Value | undefined, resource: Resource): boolean =>
  value !== undefined && value === identityOf(resource)
const isTls = (value: Value | undefined): boolean => value === '1.2' || value === '1.3'

const expected: readonly Expectation[] = [
  {
    type: 'Microsoft.Web/serverfarms',
    path: 'sku.tier',
    is: 'FlexConsumption',
    rule: 'plan',
    cure: 'use the tier FlexConsumption, FC1',
  },
  {
    type: 'Microsoft.Web/serverfarms',
    path: 'properties.reserved',
    is: true,
    rule: 'plan',
    cure: 'set it to true: Linux',
  },
  {
    type: site,
    path: 'identity.type',
    is: 'UserAssigned',
    rule: 'identity',
    cure: 'give the app the user-assigned identity alone',
  },
  {
    type: site,
    path: 'properties.keyVaultReferenceIdentity',
    is: isIdentity,
    rule: 'identity',
    cure: 'name the app`s identity: references to the vault are read with it',
  },
  {
    type: site,
    path: `${config}.deployment.storage.authentication.type`,
    is: 'UserAssignedIdentity',
    rule: 'identity',
    cure: 'read the package with the identity, not with a connection string',
  },
  {
    type: site,
    path: `${config}.deployment.storage.authentication.userAssignedIdentityResourceId`,
    is: isIdentity,
    rule: 'identity',
    cure: 'name the app`s identity',
  },
  { type: site, path: 'properties.httpsOnly', is: true, rule: 'tls', cure: 'set it to true' },
  { type: site, path: 'properties.siteConfig.minTlsVersion', is: isTls, rule: 'tls', cure: 'set it to 1.2 or 1.3' },
  { type: site, path: 'properties.siteConfig.scmMinTlsVersion', is: isTls, rule: 'tls', cure: 'set it to 1.2 or 1.3' },
  {
    type: site,
    path: 'properties.siteConfig.ftpsState',
    is: 'Disabled',
    rule: 'shared-key',
    cure: 'set it to Disabled: nobody signs in with a password',
  },
  {
    type: `${site}/basicPublishingCredentialsPolicies`,
    path: 'properties.allow',
    is: false,
    rule: 'shared-key',
    cure: 'set it to false',
  },
]

/** The Functions app: its identity, its runtime, its scale, and a host.json that fits. */
export async function checkBicepApp(sources: Sources): Promise<Finding[]> {
  const types = [...new Set(expected.map(({ type }) => type))]
  const apps = await resourcesOf(sources, site)
  const publishing = await resourcesOf(sources, `${site}/basicPublishingCredentialsPolicies`)
  const open = ['scm', 'ftp'].filter((way) => !publishing.some(({ name }) => name.endsWith(`/${way}`)))
  const names = (await registrationsOf(sources)).map(({ name }) => name)
  return distinct([
    ...unmet(expected, await resourcesOf(sources, ...types)),
    ...open.map((way) => missing('shared-key', `passwords still publish by ${way}`, 'set allow: false for it')),
    ...(await runtimeFindings(sources, apps)),
    ...(await tagFindings(sources, apps)),
    ...apps.flatMap((app) => scaleFindings(app, names)),
    ...hostFindings(JSON.parse(await sources.text('host.json')) as Value),
  ])
}

async function runtimeFindings(sources: Sources, apps: readonly Resource[]): Promise<Finding[]> {
  const { devDependencies } = JSON.parse(await sources.text('package.json')) as { devDependencies: { node: string } }
  const major = devDependencies.node.split('.')[0]
  const runtime = (app: Resource): string =>
    `${textOf(app.at(...config.split('.'), 'runtime', 'name') ?? '')} ${textOf(app.at(...config.split('.'), 'runtime', 'version') ?? '')}`
  return apps
    .filter((app) => runtime(app) !== `node ${major}`)
    .map((app) => onResource(app, 'runtime', `runs on ${runtime(app)}`, `use node ${major}, on which all is tested`))
}

/** By these azd finds what it deploys to. */
async function tagFindings(sources: Sources, apps: readonly Resource[]): Promise<Finding[]> {
  const { services } = parse(await sources.text('azure.yaml')) as { services: Record<string, unknown> }
  const groups = await resourcesOf(sources, 'Microsoft.Resources/resourceGroups')
  return [
    ...apps
      .filter((app) => !(textOf(app.at('tags', 'azd-service-name') ?? '') in services))
      .map((app) => onResource(app, 'azd', 'is no service of azure.yaml', 'tag it with azd-service-name')),
    ...groups
      .filter((group) => group.at('tags', 'azd-env-name') === undefined)
      .map((group) => onResource(group, 'azd', 'belongs to no environment', 'tag it with azd-env-name')),
  ]
}

/** A group that is kept awake has to exist, or it is paid for in vain. */
function scaleFindings(app: Resource, names: readonly string[]): Finding[] {
  const scale = app.at(...config.split('.'), 'scaleAndConcurrency')
  const most = at(scale, 'maximumInstanceCount')
  const bound =
    typeof most === 'number' && most >= 1 && most <= 1000
      ? []
      : [onResource(app, 'scale', 'nothing bounds its instances', 'set maximumInstanceCount')]
  const ready = at(scale, 'alwaysReady')
  const groups = isList(ready) ? ready.map((one) => textOf(at(one, 'name') ?? '')) : []
  const known = new Set(['http', ...names.map((name) => `function:${name}`)])
  const unknown = groups.filter((group) => !known.has(group))
  return [
    ...bound,
    ...unknown.map((group) =>
      onResource(app, 'scale', `keeps ${group} ready, which does not exist`, 'name `http` or `function:<name>`'),
    ),
  ]
}

function hostFindings(host: Value): Finding[] {
  const wrong = (path: string, is: Value, cure: string): Finding[] =>
    at(host, ...path.split('.')) === is
      ? []
      : [{ file: 'host.json', rule: 'azure/host', problem: `${path} is not ${JSON.stringify(is)}`, cure }]
  const sampled = textOf(at(host, 'logging', 'applicationInsights', 'samplingSettings', 'excludedTypes') ?? '')
  const lost = sampled.split(';').includes('Trace')
    ? []
    : [
        {
          file: 'host.json',
          rule: 'azure/host',
          problem: 'log lines are sampled',
          cure: 'exclude Trace: metrics are log lines, and alarms are made of them',
        },
      ]
  return [
    ...wrong('version', '2.0', 'it is the only one'),
    ...wrong('extensions.http.routePrefix', '', 'the API answers below the root, as in AWS'),
    ...wrong('extensions.queues.messageEncoding', 'base64', 'jobs and Event Grid send base64'),
    ...lost,
  ]
}
