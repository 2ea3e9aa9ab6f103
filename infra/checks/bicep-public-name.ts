import { deploymentsOf, publicDomain } from '../bicep/deployments.ts'
import { distinct, missing, onResource } from '../bicep/rule.ts'
import { runtimeProperties } from '../bicep/runtime-properties.ts'
import type { Deployment } from '../bicep/template.ts'
import { at, isList, type Resource, textOf, type Value } from '../bicep/value.ts'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'

const profile = 'Microsoft.Cdn/profiles'
const cure = 'see azure/infra/modules/public-name.bicep'

/** The name of both sites: by it, and by the host that DNS probes, this site alone answers; objects are never read by it. */
export async function checkBicepPublicName(sources: Sources): Promise<Finding[]> {
  const { least, most } = await deploymentsOf(sources)
  const domain = ofType(most, 'customDomains').find((one) => one.at('properties', 'hostName') === publicDomain)
  if (!domain) return [missing('public-name', 'the edge does not know the name of both sites', cure)]
  const endpoint = ofType(most, 'afdEndpoints').find((one) => hostOf(one) === most.outputs['PUBLIC_NAME_TARGET'])
  if (!endpoint || least.outputs['PUBLIC_NAME_TARGET'] !== '')
    return [missing('public-name', 'PUBLIC_NAME_TARGET is no host of the edge, or of none', cure)]
  return distinct([
    ...certificateFindings(domain),
    ...routeFindings(most, domain, endpoint),
    ...edgeUrlFindings([least, most]),
    ...guardFindings(most),
  ])
}

const ofType = ({ resources }: Deployment, type: string): Resource[] =>
  resources.filter((one) => one.type === `${profile}/${type}` && !one.existing)

const hostOf = (endpoint: Resource): string | undefined =>
  runtimeProperties[`${profile}/afdEndpoints`]?.['properties.hostName']?.(endpoint)

const idsIn = (list: Value | undefined): string[] =>
  isList(list) ? list.map((one) => textOf(at(one, 'id') ?? '')) : []

/** Front Door renews its own certificates only while DNS leads to it. */
function certificateFindings(domain: Resource): Finding[] {
  const kind = domain.at('properties', 'tlsSettings', 'certificateType')
  return kind === 'CustomerCertificate'
    ? []
    : [onResource(domain, 'public-name', 'its certificate runs out while DNS leads to the other site', cure)]
}

/** Every route of the name, and of the host that it points to and that is probed. */
function routeFindings(most: Deployment, domain: Resource, endpoint: Resource): Finding[] {
  const site = new URL(textOf(most.outputs['PUBLIC_URL'] ?? '')).host
  const routes = ofType(most, 'afdEndpoints/routes')
  const named = routes.filter((route) => idsIn(route.at('properties', 'customDomains')).includes(domain.id))
  const probed = routes.filter((route) => route.parent?.id === endpoint.id)
  const answers = probed.some((route) => route.at('properties', 'linkToDefaultDomain') === 'Enabled')
  const elsewhere = named.filter((route) => !probed.includes(route))
  const astray = [...new Set([...named, ...probed])].filter(
    (route) =>
      originsOf(most, route).join() !== site || textOf(route.at('properties', 'patternsToMatch') ?? '') !== '["/*"]',
  )
  return [
    ...(named.length === 0 ? [onResource(domain, 'public-name', 'no route answers to it', cure)] : []),
    ...(answers ? [] : [onResource(endpoint, 'public-name', 'nothing answers the probe of DNS', cure)]),
    ...elsewhere.map((route) => onResource(route, 'public-name', 'the public name points to another host', cure)),
    ...astray.map((route) => onResource(route, 'public-name', 'another than this site may answer for it', cure)),
  ]
}

function originsOf(most: Deployment, route: Resource): string[] {
  const group = textOf(route.at('properties', 'originGroup', 'id') ?? '')
  return ofType(most, 'originGroups/origins')
    .filter(({ parent }) => parent?.id === group)
    .map((origin) => textOf(origin.at('properties', 'hostName') ?? ''))
}

/** What the site signs is read where it lies, and the name may lead elsewhere. */
function edgeUrlFindings(deployments: readonly Deployment[]): Finding[] {
  const urls = deployments.flatMap(({ outputs, resources }) => [
    outputs['EDGE_URL'],
    ...resources.map((resource) => resource.at('properties', 'EDGE_URL')),
  ])
  return urls.some((url) => textOf(url ?? '').endsWith(`/${publicDomain}`))
    ? [missing('public-name', 'objects are read by the public name', 'sign links for a host of this site alone')]
    : []
}

/** The firewall stands before every name by which the edge can be called. */
function guardFindings(most: Deployment): Finding[] {
  const guarded = ofType(most, 'securityPolicies').flatMap((policy) => {
    const associations = policy.at('properties', 'parameters', 'associations')
    return isList(associations) ? associations.flatMap((one) => idsIn(at(one, 'domains'))) : []
  })
  return [...ofType(most, 'afdEndpoints'), ...ofType(most, 'customDomains')]
    .filter(({ id }) => !guarded.includes(id))
    .map((one) => onResource(one, 'firewall', 'no firewall stands before it', 'name it in a security policy'))
}
