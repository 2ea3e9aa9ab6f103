import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { registrationsOf } from '../azure-app.ts'
import { resourcesOf } from '../bicep/deployments.ts'
import { distinct, missing, onResource } from '../bicep/rule.ts'
import { isFields, type Resource, textOf } from '../bicep/value.ts'
import type { Finding } from '../finding.ts'
import { sampleSecrets } from '../samples.ts'
import type { Sources } from '../sources.ts'

/** For development only, or set by the host or the machine itself: no template sets them. */
const neverSet: ReadonlySet<string> = new Set([
  'ANALYTICS_PROGRAM',
  'COSMOS',
  'FILM_PART_PIXELS',
  'IDENTITY_ENDPOINT',
  'IDENTITY_HEADER',
  'PATH',
  'STORAGE',
])
/** Read by the Functions host, by Node or by the SDKs rather than by our code. */
const readByOthers =
  /^(AzureWebJobsStorage__(accountName|credential|clientId)|APPLICATIONINSIGHTS_(CONNECTION|AUTHENTICATION)_STRING|NODE_OPTIONS)$/
const connectionParts: Readonly<Record<string, readonly string[]>> = {
  cosmosDBTrigger: ['accountEndpoint', 'credential', 'clientId'],
  queueTrigger: ['queueServiceUri', 'credential', 'clientId'],
}
const secretName = /@Microsoft\.KeyVault\(SecretUri=https:\/\/[^/]+\/secrets\/([a-z-]+)\)/

/** Every setting that the code reads is set, every setting that is set is read, and the app starts with them. */
export async function checkBicepSettings(sources: Sources): Promise<Finding[]> {
  const all = (await resourcesOf(sources, 'Microsoft.Web/sites/config')).filter(({ name }) =>
    name.endsWith('/appsettings'),
  )
  if (all.length === 0) return [missing('settings', 'the app has no settings', 'declare the config `appsettings`')]
  const read = new Set([
    ...(await variablesIn(sources, 'azure/config.ts')),
    ...(await variablesIn(sources, 'shared/adapters/environment.ts')),
  ])
  const connections = await connectionSettings(sources)
  const findings: Finding[] = []
  for (const resource of all) {
    const settings = settingsOf(resource)
    const wanted = [...[...read].filter((name) => !neverSet.has(name)), ...connections]
    for (const name of wanted.filter((one) => !(one in settings))) {
      findings.push(onResource(resource, 'settings', `${name} is not set`, 'set it: the app or a trigger reads it'))
    }
    for (const name of Object.keys(settings)) {
      const isRead = (read.has(name) && !neverSet.has(name)) || connections.includes(name) || readByOthers.test(name)
      if (!isRead)
        findings.push(
          onResource(resource, 'settings', `${name} is read by nothing`, 'take it away, or correct its name'),
        )
    }
    for (const name of ['EDGE_URL', 'PUBLIC_URL'].filter(
      (one) => !/^https:\/\/[a-z0-9.-]+$/i.test(settings[one] ?? ''),
    ))
      findings.push(
        onResource(resource, 'settings', `${name} is ${settings[name]}`, 'name a host that is asked by https'),
      )
    findings.push(...plainSecrets(resource, settings), ...(await refusals(sources, resource, settings)))
  }
  return distinct(findings)
}

const settingsOf = (resource: Resource): Record<string, string> => {
  const properties = resource.at('properties')
  if (!isFields(properties)) return {}
  return Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, textOf(value)]))
}

/** The names that a schema of the environment lists. */
async function variablesIn(sources: Sources, file: string): Promise<string[]> {
  return [...(await sources.text(file)).matchAll(/^ {2,4}([A-Z][A-Z0-9_]*(?:__[a-zA-Z]+)?):/gm)].map(
    ([, name = '']) => name,
  )
}

/** A trigger's `connection: X` is a group of settings that begin with `X__`. */
async function connectionSettings(sources: Sources): Promise<string[]> {
  const bindings = (await registrationsOf(sources)).flatMap(({ bindings: ofOne }) => Object.values(ofOne))
  const names = bindings.flatMap(({ type, connection }) =>
    typeof connection === 'string' ? (connectionParts[type] ?? []).map((part) => `${connection}__${part}`) : [],
  )
  return [...new Set(names)]
}

function plainSecrets(resource: Resource, settings: Readonly<Record<string, string>>): Finding[] {
  const isSecret = (name: string): boolean => /(PRIVATE_KEY|SECRET|PASSWORD)$/.test(name)
  const open = Object.entries(settings).filter(
    ([name, value]) =>
      (isSecret(name) && value !== '' && !secretName.test(value)) || /AccountKey=|SharedAccessKey=/.test(value),
  )
  const others = Object.entries(settings).filter(
    ([name, value]) => name.endsWith('__credential') && value !== 'managedidentity',
  )
  return [...open, ...others].map(([name]) =>
    onResource(
      resource,
      'plain-secret',
      `${name} is neither a reference to the vault nor the identity`,
      'refer to the vault, @Microsoft.KeyVault(SecretUri=...), or say managedidentity',
    ),
  )
}

/** What the code itself says to these settings, once the vault has filled in its secrets. */
async function refusals(
  sources: Sources,
  resource: Resource,
  settings: Readonly<Record<string, string>>,
): Promise<Finding[]> {
  const secrets: Record<string, string> = {
    'peer-private-key': sampleSecrets.peerPrivateKey,
    'signing-private-key': sampleSecrets.signingPrivateKey,
  }
  const filled = Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [name, secrets[secretName.exec(value)?.[1] ?? ''] ?? value]),
  )
  const url = pathToFileURL(join(sources.root, 'azure/config.ts')).href
  const { readConfig } = (await import(url)) as { readConfig: (environment: Record<string, string>) => unknown }
  try {
    readConfig(filled)
    return []
  } catch (error) {
    return [onResource(resource, 'settings', (error as Error).message, 'set what azure/config.ts asks for')]
  }
}
