import { XMLParser } from 'fast-xml-parser'
import { allowHeaders, preflightSeconds } from '../../shared/http/cors.ts'
import { apiDocument } from '../api-document.ts'
import { resourcesOf } from '../bicep/deployments.ts'
import { missing, onResource } from '../bicep/rule.ts'
import { textOf } from '../bicep/value.ts'
import { objectOf } from '../cloudformation.ts'
import type { Finding } from '../finding.ts'
import { sampleOrigin } from '../samples.ts'
import type { Sources } from '../sources.ts'

interface Choice {
  readonly '@condition': string
  readonly 'return-response'?: {
    readonly 'set-status': { readonly '@code': string }
    readonly 'set-header': readonly { readonly '@name': string; readonly value: string }[]
  }
}

interface Step {
  readonly choose?: readonly { readonly when?: readonly Choice[] }[]
}

// In their order: what stands first is done first.
const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseTagValue: false,
  isArray: (name) => ['choose', 'when', 'set-header'].includes(name),
})

/** That API Management tells the pages of the allowed origins what the app would tell them, before it counts or refuses calls. */
export async function checkBicepPreflights(sources: Sources): Promise<Finding[]> {
  const policies = await resourcesOf(sources, 'Microsoft.ApiManagement/service/apis/policies')
  const policy = policies.findLast(({ parent }) => parent?.name.endsWith('/catamaran'))
  if (!policy) return [missing('preflights', 'the API has no policy', 'give it azure/infra/policies/api.xml')]
  const { policies: parsed } = parser.parse(textOf(policy.at('properties', 'value') ?? '')) as {
    policies?: { inbound?: Step }
  }
  const [first] = parsed?.inbound?.choose?.[0]?.when ?? []
  const answer = first?.['return-response']
  if (!first || !answer || !first['@condition'].includes('Request.Method == "OPTIONS"'))
    return [onResource(policy, 'preflights', 'a preflight is not what is looked at first', 'see policies/api.xml')]
  const says = (name: string): string | undefined =>
    answer['set-header'].find((header) => header['@name'] === name)?.value
  const allowed = says('Access-Control-Allow-Methods')?.split(', ').sort().join(', ')
  const wanted: readonly (readonly [boolean, string, string])[] = [
    [
      first['@condition'].includes(`"${sampleOrigin}".Split(',').Contains(`),
      'knows no origins',
      'name ALLOWED_ORIGINS',
    ],
    [first['@condition'].includes('Access-Control-Request-Method'), 'is every OPTIONS', 'look for the header'],
    [answer['set-status']['@code'] === '204', 'has a body', 'answer 204'],
    [
      says('Access-Control-Allow-Origin')?.includes('"Origin"') === true,
      'names another origin',
      'name the one that asks',
    ],
    [allowed === (await methodsOf()).join(', '), 'lets other methods pass than the API has', 'see /openapi.json'],
    [says('Access-Control-Allow-Headers') === allowHeaders, 'lets other headers pass', 'see allowHeaders in cors.ts'],
    [says('Access-Control-Max-Age') === String(preflightSeconds), 'lasts for another time', 'see cors.ts'],
    [says('Vary') === 'Origin', 'may be kept for others', 'set Vary'],
  ]
  return wanted.flatMap(([holds, what, cure]) =>
    holds ? [] : [onResource(policy, 'preflights', `what answers a preflight ${what}`, cure)],
  )
}

/** Of all paths, and HEAD, which goes wherever GET does. */
async function methodsOf(): Promise<string[]> {
  const paths = Object.values(objectOf((await apiDocument())['paths']))
  const methods = paths.flatMap((path) => Object.keys(objectOf(path)).map((method) => method.toUpperCase()))
  return [...new Set([...methods, 'HEAD'])].sort()
}
