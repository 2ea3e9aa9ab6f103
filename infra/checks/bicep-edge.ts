import { XMLValidator } from 'fast-xml-parser'
import { resourcesOf } from '../bicep/deployments.ts'
import { distinct, type Expectation, missing, onResource, unmet } from '../bicep/rule.ts'
import { at, isList, type Resource, textOf, type Value } from '../bicep/value.ts'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'

const profile = 'Microsoft.Cdn/profiles'
const gateway = 'Microsoft.ApiManagement/service'
const firewall = 'Microsoft.Network/FrontDoorWebApplicationFirewallPolicies'

const isOnly =
  (text: string) =>
  (value: Value | undefined): boolean =>
    isList(value) && value.length === 1 && value[0] === text
const isFilled = (value: Value | undefined): boolean => isList(value) && value.length > 0

const expected: readonly Expectation[] = [
  {
    type: `${profile}/afdEndpoints/routes`,
    path: 'properties.supportedProtocols',
    is: isOnly('Https'),
    rule: 'tls',
    cure: 'answer by HTTPS alone',
  },
  {
    type: `${profile}/afdEndpoints/routes`,
    path: 'properties.forwardingProtocol',
    is: 'HttpsOnly',
    rule: 'tls',
    cure: 'call the origin by HTTPS alone',
  },
  {
    type: `${profile}/originGroups/origins`,
    path: 'properties.enforceCertificateNameCheck',
    is: true,
    rule: 'tls',
    cure: 'set it to true',
  },
  {
    type: `${profile}/customDomains`,
    path: 'properties.tlsSettings.minimumTlsVersion',
    is: 'TLS12',
    rule: 'tls',
    cure: 'set it to TLS12 or later',
  },
  {
    type: firewall,
    path: 'properties.policySettings.mode',
    is: 'Prevention',
    rule: 'firewall',
    cure: 'set it to Prevention',
  },
  {
    type: firewall,
    path: 'properties.policySettings.enabledState',
    is: 'Enabled',
    rule: 'firewall',
    cure: 'enable it',
  },
  {
    type: firewall,
    path: 'properties.customRules.rules',
    is: isFilled,
    rule: 'firewall',
    cure: 'limit the rate of an address',
  },
  {
    type: `${profile}/securityPolicies`,
    path: 'properties.parameters.associations',
    is: isFilled,
    rule: 'firewall',
    cure: 'put the firewall before the endpoint',
  },
  {
    type: gateway,
    path: 'sku.capacity',
    is: (value, resource) => value === (resource.at('sku', 'name') === 'Consumption' ? 0 : 1),
    rule: 'gateway',
    cure: 'the tier Consumption has a capacity of 0, the others of 1 or more',
  },
  {
    type: `${gateway}/apis`,
    path: 'properties.protocols',
    is: isOnly('https'),
    rule: 'tls',
    cure: 'answer by HTTPS alone',
  },
]

/** The edge and the gateway: encrypted, guarded, with policies that their tier has, and probes that are answered. */
export async function checkBicepEdge(sources: Sources): Promise<Finding[]> {
  const types = [...new Set(expected.map(({ type }) => type))]
  const document = JSON.parse(await sources.text('dist/openapi.json')) as Value
  return distinct([
    ...unmet(expected, await resourcesOf(sources, ...types)),
    ...(await firewallFindings(sources)),
    ...(await routeFindings(sources)),
    ...(await probeFindings(sources, document)),
    ...(await policyFindings(sources)),
    ...(await passFindings(sources)),
    ...(await importFindings(sources, document)),
  ])
}

/** A condition turned round would let everything pass, or nothing. */
async function firewallFindings(sources: Sources): Promise<Finding[]> {
  const policies = await resourcesOf(sources, firewall)
  return policies.flatMap((policy) => {
    const rules = policy.at('properties', 'customRules', 'rules')
    const conditions = isList(rules) ? rules.flatMap((rule) => at(rule, 'matchConditions') ?? []) : []
    const turned = conditions.filter(
      (one) => at(one, 'negateCondition') !== (at(one, 'matchVariable') === 'RequestMethod'),
    )
    const cure = 'negate the list of methods that are allowed, and nothing else'
    return turned.map((one) =>
      onResource(policy, 'firewall', `${textOf(at(one, 'matchVariable') ?? '')} is turned round`, cure),
    )
  })
}

/** What is signed must be found by its signature as well; what the API answers is nobody else's. */
async function routeFindings(sources: Sources): Promise<Finding[]> {
  const routes = await resourcesOf(sources, `${profile}/afdEndpoints/routes`)
  return routes.flatMap((route) => {
    const patterns = route.at('properties', 'patternsToMatch')
    const caching = route.at('properties', 'cacheConfiguration', 'queryStringCachingBehavior')
    if (isList(patterns) && patterns.includes('/*')) {
      return route.at('properties', 'cacheConfiguration') === undefined
        ? []
        : [onResource(route, 'caching', 'answers of the API are cached', 'cache nothing on this route')]
    }
    const said: Finding[] = []
    if (JSON.stringify(patterns) !== '["/objects/*"]') {
      said.push(
        onResource(
          route,
          'route',
          'leads elsewhere than to the objects',
          'match /objects/*, where links are signed for',
        ),
      )
    }
    if (caching !== 'UseQueryString') {
      const cure = 'set queryStringCachingBehavior to UseQueryString'
      said.push(onResource(route, 'caching', 'a signed URL is found without its signature', cure))
    }
    return said
  })
}

async function probeFindings(sources: Sources, document: Value): Promise<Finding[]> {
  const groups = await resourcesOf(sources, `${profile}/originGroups`)
  const origins = await resourcesOf(sources, `${profile}/originGroups/origins`)
  return groups.flatMap((group) => {
    const own = origins.filter(({ parent }) => parent === group)
    const path = group.at('properties', 'healthProbeSettings', 'probePath')
    const said = own.length === 0 ? [onResource(group, 'origin', 'has no origin', 'give it one')] : []
    if (path === undefined)
      return own.length > 1
        ? [onResource(group, 'probe', 'nothing tells which origin is well', 'probe /v1/health/ready')]
        : said
    const method = textOf(group.at('properties', 'healthProbeSettings', 'probeRequestType') ?? '').toLowerCase()
    const answered = at(document, 'paths', textOf(path), method) !== undefined
    return answered
      ? said
      : [
          ...said,
          onResource(
            group,
            'probe',
            `the API has no ${method.toUpperCase()} ${textOf(path)}`,
            'probe /v1/health/ready by GET',
          ),
        ]
  })
}

/** Which policies a tier lacks. Source: API Management policy reference, November 2026. */
const notInConsumption = /<(rate-limit-by-key|quota-by-key)\b/

async function policyFindings(sources: Sources): Promise<Finding[]> {
  const policies = await resourcesOf(sources, `${gateway}/apis/policies`)
  const apis = await resourcesOf(sources, `${gateway}/apis`)
  const bare = apis.filter((api) => !policies.some(({ parent }) => parent?.id === api.id))
  return [
    ...bare.map((api) => onResource(api, 'policy', 'has no policy', 'bound its requests')),
    ...policies.flatMap((policy) => {
      const text = textOf(policy.at('properties', 'value') ?? '')
      const tier = textOf(policy.parent?.parent?.at('sku', 'name') ?? '')
      const said: Finding[] = []
      const valid = XMLValidator.validate(text)
      if (valid !== true)
        said.push(onResource(policy, 'policy', `is no XML: ${valid.err.msg}`, 'mend azure/infra/policies'))
      if (tier === 'Consumption' && notInConsumption.test(text))
        said.push(
          onResource(
            policy,
            'policy',
            'limits by key, which the tier Consumption cannot',
            'leave it out for that tier',
          ),
        )
      if (!/Content-Length[^<]*&gt; \d+/.test(text))
        said.push(onResource(policy, 'policy', 'bounds no request', 'refuse bodies that the app would refuse'))
      if (/\b(ISSUER|RECEIVER)\b|PLACE|<!-- (limits|tokens|receiver) -->/.test(text))
        said.push(onResource(policy, 'policy', 'holds a placeholder', 'fill it in'))
      return said
    }),
  ]
}

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[]
}

/** What no document names and the gateway must let pass all the same. */
const passed = ['GET /', 'GET /docs', 'GET /openapi.json', 'HEAD /*', 'OPTIONS /*', 'GET peer/*', 'POST peer/*']

async function passFindings(sources: Sources): Promise<Finding[]> {
  const operations = await resourcesOf(sources, `${gateway}/apis/operations`)
  const found = new Set(
    operations.map((one) => {
      const [method = '', path = '', template = ''] = [
        one.at('properties', 'method'),
        one.parent?.at('properties', 'path'),
        one.at('properties', 'urlTemplate'),
      ].map((value) => textOf(value ?? ''))
      return `${method} ${path}${template}`
    }),
  )
  const lacking = passed.filter((operation) => !found.has(operation))
  return lacking.map((operation) => missing('operation', `the gateway knows no ${operation}`, 'declare the operation'))
}

/** What API Management cannot import. Source: its API import restrictions. */
async function importFindings(sources: Sources, document: Value): Promise<Finding[]> {
  const apis = (await resourcesOf(sources, `${gateway}/apis`)).filter(
    (api) => api.at('properties', 'format') === 'openapi+json',
  )
  if (apis.length === 0)
    return [missing('openapi', 'the gateway imports no OpenAPI document', 'import dist/openapi.json')]
  const wrong = apis.filter(
    (api) =>
      api.at('properties', 'value') !== textOf(api.at('properties', 'value') ?? '') ||
      !textOf(api.at('properties', 'value') ?? '').includes('"openapi"'),
  )
  const paths = Object.entries((at(document, 'paths') ?? {}) as Record<string, Record<string, Operation>>)
  const doubled = paths.flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, { parameters = [] }]) => {
      const names = parameters
        .filter((one) => one.in === 'path' || (one.in === 'query' && one.required))
        .map(({ name }) => name.toLowerCase())
      return new Set(names).size === names.length ? [] : [`${method.toUpperCase()} ${path}`]
    }),
  )
  return [
    ...wrong.map((api) => onResource(api, 'openapi', 'imports something else', 'load dist/openapi.json')),
    ...(paths.length === 0 ? [missing('openapi', 'the document has no paths', 'run npm run stage')] : []),
    ...doubled.map((operation) =>
      missing('openapi', `${operation} has two parameters of one name`, 'name them apart: the gateway cannot'),
    ),
    ...apis
      .filter((api: Resource) => api.at('properties', 'serviceUrl') === undefined)
      .map((api) => onResource(api, 'openapi', 'passes calls on to nobody', 'set serviceUrl')),
  ]
}
