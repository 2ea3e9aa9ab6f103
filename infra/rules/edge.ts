import { at, listOf, objectOf, textOf } from '../cloudformation.ts'
import { atLeast, equals, isThere, property, references, type Requirement } from './requirement.ts'

const stage = 'AWS::ApiGateway::Stage'
const distribution = 'AWS::CloudFront::Distribution'
const config = 'DistributionConfig'

const managed = ['AWSManagedRulesKnownBadInputsRuleSet', 'AWSManagedRulesCommonRuleSet'] as const

/** Every origin that a behaviour names must be there: CloudFormation takes any text. */
const namesAnOrigin: Requirement['holds'] = (value) => {
  const origins = listOf(objectOf(value).Origins).map((origin) => at(origin, 'Id'))
  const behaviours = [objectOf(value).DefaultCacheBehavior, ...listOf(objectOf(value).CacheBehaviors)]
  return behaviours.every((behaviour) => origins.includes(at(behaviour, 'TargetOriginId') ?? null))
}

/** What callers and readers come through: the API and the CDN. */
export const edgeRequirements: readonly Requirement[] = [
  property(
    'AWS::ApiGateway::RestApi',
    'api-regional',
    ['EndpointConfiguration', 'Types'],
    equals(['REGIONAL']),
    'it goes by way of a CDN that is not ours',
    'set the endpoint to REGIONAL',
  ),
  property(
    'AWS::ApiGateway::RestApi',
    'api-one-way-in',
    ['DisableExecuteApiEndpoint'],
    references('HasDomain'),
    'its own name can be gone around',
    'disable the default endpoint when there is a domain',
  ),
  ...['AWS::ApiGateway::RestApi', 'AWS::ApiGateway::DomainName'].map((type) =>
    property(
      type,
      'api-tls',
      ['SecurityPolicy'],
      (value) => value === 'TLS_1_2' || textOf(value).startsWith('SecurityPolicy_TLS13'),
      'it takes TLS older than 1.2',
      'set SecurityPolicy',
    ),
  ),
  property(stage, 'api-throttled', ['MethodSettings', 0, 'ThrottlingRateLimit'], atLeast(1), 'unlimited', 'set a rate'),
  property(
    stage,
    'api-throttled',
    ['MethodSettings', 0, 'ThrottlingBurstLimit'],
    atLeast(1),
    'unlimited',
    'set a burst',
  ),
  property(
    stage,
    'api-log',
    ['MethodSettings', 0, 'DataTraceEnabled'],
    equals(false),
    'bodies and keys would be logged',
    'turn data trace off',
  ),
  property(stage, 'api-log', ['AccessLogSetting', 'DestinationArn'], isThere, 'no access log', 'name a log group'),
  property(stage, 'api-traced', ['TracingEnabled'], equals(true), 'no traces', 'enable tracing'),
  property(
    'AWS::WAFv2::WebACLAssociation',
    'firewall',
    ['ResourceArn'],
    (value) => JSON.stringify(value ?? null).includes('${ApiStage}'),
    'the firewall stands in front of nothing',
    "name the API's stage",
  ),
  {
    rule: 'firewall',
    type: 'AWS::WAFv2::WebACL',
    path: ['Condition'],
    holds: (condition, _, { conditions, parameters }) =>
      condition === undefined ||
      (JSON.stringify(conditions[textOf(condition)]) === '{"Fn::Equals":[{"Ref":"Firewall"},"on"]}' &&
        at(parameters, 'Firewall', 'Default') === 'on'),
    problem: 'it is not there unless somebody asks for it',
    cure: 'let it be there unless FIREWALL is off',
  },
  property(
    'AWS::WAFv2::WebACL',
    'firewall-rate',
    ['Rules'],
    (rules) => listOf(rules).some((rule) => isThere(at(rule, 'Statement', 'RateBasedStatement', 'Limit'))),
    'one address may take everything',
    'add a rate-based rule',
  ),
  ...managed.map((name) =>
    property('AWS::WAFv2::WebACL', 'firewall-rules', ['Rules'], references(name), `without ${name}`, 'add the group'),
  ),
  property(distribution, 'edge-origin', [config], namesAnOrigin, 'a behaviour without origin', 'name one of Origins'),
  property(
    distribution,
    'edge-signed',
    [config, 'DefaultCacheBehavior', 'TrustedKeyGroups'],
    (value) => listOf(value).length > 0,
    'anybody reads every object',
    'name the key group',
  ),
  property(
    distribution,
    'edge-https',
    [config, 'DefaultCacheBehavior', 'ViewerProtocolPolicy'],
    (value) => value === 'redirect-to-https' || value === 'https-only',
    'objects travel without encryption',
    'redirect to HTTPS',
  ),
  property(
    distribution,
    'edge-tls',
    [config, 'ViewerCertificate'],
    (value) => /TLSv1\.2_2021|TLSv1\.2_2025|TLSv1\.3/.test(JSON.stringify(value ?? null)),
    'it takes TLS older than 1.2',
    'set MinimumProtocolVersion to TLSv1.2_2021',
  ),
  property(
    distribution,
    'edge-access',
    [config, 'Origins'],
    (origins) => listOf(origins).every((origin) => isThere(at(origin, 'OriginAccessControlId'))),
    'the bucket does not know the edge',
    'name the origin access control',
  ),
  property(
    distribution,
    'edge-headers',
    [config, 'DefaultCacheBehavior', 'ResponseHeadersPolicyId'],
    isThere,
    'an upload may pass for a page of ours',
    'name the headers policy',
  ),
  property(
    'AWS::CloudFront::ResponseHeadersPolicy',
    'edge-headers',
    ['ResponseHeadersPolicyConfig', 'SecurityHeadersConfig'],
    (value) =>
      /default-src 'none'.*sandbox/.test(textOf(at(value, 'ContentSecurityPolicy', 'ContentSecurityPolicy'))) &&
      at(value, 'FrameOptions', 'FrameOption') === 'DENY' &&
      Number(at(value, 'StrictTransportSecurity', 'AccessControlMaxAgeSec')) >= 31_536_000 &&
      ['ContentSecurityPolicy', 'ContentTypeOptions', 'FrameOptions', 'StrictTransportSecurity'].every(
        (name) => at(value, name, 'Override') === true,
      ),
    'an upload may act as a page, be taken for another type, or be read without encryption',
    'say sandbox, nosniff, DENY and a year of HTTPS, over what the origin says',
  ),
  property(
    'AWS::CloudFront::CachePolicy',
    'edge-cache-key',
    ['CachePolicyConfig', 'ParametersInCacheKeyAndForwardedToOrigin', 'QueryStringsConfig', 'QueryStrings'],
    equals(['response-content-type', 'response-content-disposition']),
    'one answer would be given for another, or the bucket would not be asked for the right one',
    'forward and cache by the two parameters that the API signs',
  ),
]
