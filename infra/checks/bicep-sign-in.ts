import { XMLParser } from 'fast-xml-parser'
import { resourcesOf } from '../bicep/deployments.ts'
import { missing, onResource } from '../bicep/rule.ts'
import { type Resource, textOf } from '../bicep/value.ts'
import type { Finding } from '../finding.ts'
import { sampleSignIn } from '../samples.ts'
import type { Sources } from '../sources.ts'

interface Validation {
  readonly '@require-signed-tokens'?: string
  readonly '@require-expiration-time'?: string
  readonly 'openid-config'?: { readonly '@url'?: string }
  readonly issuers?: { readonly issuer?: unknown }
  readonly audiences?: { readonly audience?: unknown }
  readonly 'required-claims'?: { readonly claim?: { readonly '@name'?: string; readonly value?: unknown } }
}

interface Choice {
  readonly '@condition'?: string
  readonly 'validate-jwt'?: Validation
}

const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '@', parseTagValue: false })

/** That tokens of each issuer of SIGN_IN are looked at by a policy of their own, and no API is without. */
export async function checkBicepSignIn(sources: Sources): Promise<Finding[]> {
  const policies = await resourcesOf(sources, 'Microsoft.ApiManagement/service/apis/policies')
  // With the fewest options nobody signs in; the last is the one with the most.
  const policy = policies.findLast(({ parent }) => parent?.name.endsWith('/catamaran'))
  if (!policy) return [missing('sign-in', 'the API has no policy', 'give it azure/infra/policies/api.xml')]
  const choices = choicesOf(policy)
  return sampleSignIn.flatMap(({ issuer, audience }) => {
    const own = choices.filter((choice) => choice['@condition']?.includes(`Issuer == "${issuer}"`))
    const validation = own[0]?.['validate-jwt']
    if (own.length !== 1 || !validation)
      return [onResource(policy, 'sign-in', `tokens of ${issuer} are looked at ${own.length} times`, 'once each')]
    return faultsOf(validation, issuer, audience).map(([what, cure]) =>
      onResource(policy, 'sign-in', `tokens of ${issuer}: ${what}`, cure),
    )
  })
}

function choicesOf(policy: Resource): Choice[] {
  const parsed = parser.parse(textOf(policy.at('properties', 'value') ?? '')) as {
    policies?: { inbound?: { choose?: unknown } }
  }
  const chooses = [parsed.policies?.inbound?.choose ?? []].flat() as { when?: Choice | Choice[] }[]
  return chooses.flatMap(({ when = [] }) => when)
}

function faultsOf(validation: Validation, issuer: string, audience: string): [what: string, cure: string][] {
  const wanted: readonly (readonly [boolean, string, string])[] = [
    [validation['@require-signed-tokens'] === 'true', 'need no signature', 'set require-signed-tokens'],
    [validation['@require-expiration-time'] === 'true', 'need not end', 'set require-expiration-time'],
    [
      validation['openid-config']?.['@url'] === `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
      'the keys are asked for elsewhere',
      'ask the issuer',
    ],
    [validation.issuers?.issuer === issuer, 'another issuer is as good', 'name the issuer'],
    [receiverOf(validation, issuer) === audience, 'are for anybody', 'name the audience, or the client at Cognito'],
  ]
  return wanted.flatMap(([holds, what, cure]) => (holds ? [] : [[what, cure]]))
}

/** Cognito's access tokens have no audience (Amazon Cognito, access token payload). */
function receiverOf(validation: Validation, issuer: string): unknown {
  if (!issuer.includes('cognito-idp')) return validation.audiences?.audience
  const claim = validation['required-claims']?.claim
  return claim?.['@name'] === 'client_id' && validation.audiences === undefined ? claim.value : undefined
}
