import { at, type CfnResource, type CloudFormation, type Json } from '../cloudformation.ts'
import { equals, references, type Requirement } from './requirement.ts'

const record = 'AWS::Route53::RecordSet'
/** Each way to lead clients, by the condition that chooses it. */
const ways = ['IsFailover', 'IsWeighted', 'IsLatency'] as const

/** What a way has to say of this site and of the other one. */
const wanted: Readonly<Record<(typeof ways)[number], (aws: CfnResource, azure: CfnResource) => boolean>> = {
  IsFailover: (aws, azure) => aws.properties.Failover === 'PRIMARY' && azure.properties.Failover === 'SECONDARY',
  IsWeighted: (aws, azure) =>
    references('SiteWeight')(aws.properties.Weight) && references('PeerWeight')(azure.properties.Weight),
  IsLatency: (aws, azure) =>
    references('AWS::Region')(aws.properties.Region) && references('PeerRegion')(azure.properties.Region),
}

function isWhole(way: (typeof ways)[number], { resources, conditions }: CloudFormation): boolean {
  const of = (site: string, condition: string): CfnResource | undefined =>
    resources.find(
      ({ type, attributes, properties }) =>
        type === record && attributes.Condition === condition && properties.SetIdentifier === site,
    )
  const [aws, azure] = [of('aws', way), of('azure', `${way}ToPeer`)]
  return (
    aws !== undefined &&
    azure !== undefined &&
    equals({ 'Fn::And': [{ Condition: way }, { Condition: 'HasPeer' }] })(conditions[`${way}ToPeer`]) &&
    leadsTo(aws, 'PublicDomainName', 'SiteHealth') &&
    leadsTo(azure, 'PeerTarget', 'PeerHealth') &&
    wanted[way](aws, azure)
  )
}

const leadsTo = ({ properties }: CfnResource, target: string, probe: string): boolean =>
  references(target)(properties.ResourceRecords ?? null) && references(probe)(properties.HealthCheckId)

const probes = (id: string, domain: string): Requirement => ({
  rule: 'dns-probe',
  type: 'AWS::Route53::HealthCheck',
  path: ['Properties', 'HealthCheckConfig', 'FullyQualifiedDomainName'],
  holds: (value: Json | undefined) => references(domain)(value),
  problem: 'it asks another site than its own record leads to',
  cure: `probe ${domain}`,
  unless: (resource) => resource.id !== id,
})

const isNamed = (name: string): Json => ({ 'Fn::Not': [{ 'Fn::Equals': [{ Ref: name }, ''] }] })

/** One name for both sites, by each of three ways; for this one alone while the other's names are not known. */
export const routingRequirements: readonly Requirement[] = [
  probes('SiteHealth', 'ApiDomain'),
  probes('PeerHealth', 'PeerDomain'),
  {
    rule: 'dns-alone',
    type: 'AWS::Route53::HealthCheck',
    path: ['Condition'],
    holds: (condition, _, { conditions }) =>
      condition === 'HasPeer' &&
      equals({
        'Fn::And': [{ Condition: 'HasPublicDomain' }, isNamed('PeerDomain'), isNamed('PeerTarget')],
      })(conditions.HasPeer),
    problem: 'a site that is alone asks for one without a name, or leads there',
    cure: 'let HasPeer demand PeerDomain and PeerTarget',
    unless: ({ id }) => id !== 'PeerHealth',
  },
  ...ways.map(
    (way): Requirement => ({
      rule: 'dns-routing',
      type: record,
      path: [],
      holds: (_, __, template) => isWhole(way, template),
      problem: `${way.slice(2).toLowerCase()} does not lead to both sites, each probed, each with its part`,
      cure: 'give it a record of each site',
      // Said once.
      unless: ({ id }) => id !== 'FailoverSiteRecord',
    }),
  ),
  {
    rule: 'dns-routing',
    type: record,
    path: [],
    holds: (_, __, { parameters }) =>
      JSON.stringify(at(parameters, 'Routing', 'AllowedValues')) === '["failover","weighted","latency"]',
    problem: 'a way can no longer be chosen',
    cure: 'let Routing be failover, weighted or latency',
    unless: ({ id }) => id !== 'FailoverSiteRecord',
  },
]
