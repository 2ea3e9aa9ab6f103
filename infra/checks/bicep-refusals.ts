import { XMLParser } from 'fast-xml-parser'
import { problemCatalogue } from '../../shared/http/problem.ts'
import { resourcesOf } from '../bicep/deployments.ts'
import { missing, onResource } from '../bicep/rule.ts'
import { type Resource, textOf } from '../bicep/value.ts'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'

interface Answer {
  readonly 'set-status': { readonly '@code': string }
  readonly 'set-header': readonly { readonly '@name': string; readonly value: string }[]
  readonly 'set-body': string
}

interface Case {
  readonly '@condition': string
  readonly 'return-response'?: Answer
}

interface Policy {
  readonly policies?: {
    readonly inbound?: { readonly choose?: { when: Case | Case[] } | { when: Case | Case[] }[] }
    readonly 'on-error'?: { readonly choose?: { readonly when: Case[] } }
  }
}

const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '@', parseTagValue: false })
const expected = [
  'unauthenticated',
  'forbidden',
  'not-found',
  'too-large',
  'throttled',
  'unavailable',
  'invalid-request',
]
const headersOf: Readonly<Record<number, string>> = { 401: 'WWW-Authenticate', 429: 'Retry-After', 503: 'Retry-After' }

/** That what API Management answers by itself is a problem of the catalogue, and one that pages can read, as at API Gateway. */
export async function checkBicepRefusals(sources: Sources): Promise<Finding[]> {
  const policies = await resourcesOf(sources, 'Microsoft.ApiManagement/service/apis/policies')
  const policy = policies.findLast(({ parent }) => parent?.name.endsWith('/catamaran'))
  if (!policy) return [missing('refusals', 'the API has no policy', 'give it azure/infra/policies/api.xml')]
  const { policies: { inbound, 'on-error': onError } = {} } = parser.parse(
    textOf(policy.at('properties', 'value') ?? ''),
  ) as Policy
  const errors = onError?.choose?.when ?? []
  const early = [inbound?.choose ?? []]
    .flat()
    .flatMap(({ when }) => when)
    .filter((one) => Number(one['return-response']?.['set-status']['@code']) >= 400)
  const isBounded = early.some((one) => problemIn(one['return-response']).code === 'too-large')
  const answers = [...early, ...errors].flatMap((one) => one['return-response'] ?? [])
  const codes = new Set(errors.map((one) => problemIn(one['return-response']).code))
  const lacking = expected.filter((code) => !codes.has(code))
  return [
    ...(isBounded ? [] : [onResource(policy, 'refusals', 'a body of any size goes in', 'answer too-large in api.xml')]),
    ...lacking.map((code) => onResource(policy, 'refusals', `nothing is ${code}`, 'add it to refusals.json')),
    ...(errors.at(-1)?.['@condition'] === '@(true)'
      ? []
      : [
          onResource(policy, 'refusals', 'some faults are answered in words of the gateway', 'let the last be for all'),
        ]),
    ...answers.flatMap((answer) => faultsOf(policy, answer)),
  ]
}

function faultsOf(policy: Resource, answer: Answer): Finding[] {
  const problem = problemIn(answer)
  const known = problemCatalogue.find(({ code }) => code === problem.code)
  const status = Number(answer['set-status']['@code'])
  const says = (name: string): string | undefined =>
    answer['set-header'].find((header) => header['@name'] === name)?.value
  const header = headersOf[status]
  const wanted: readonly (readonly [boolean, string, string])[] = [
    [known?.status === status && problem.status === status, 'has another status elsewhere', 'see problemCatalogue'],
    [problem.title === known?.title, 'has another title elsewhere', 'see problemCatalogue'],
    [problem.type === `urn:catamaran:problem:${known?.code}`, 'has another type elsewhere', 'see problemOf'],
    [says('Content-Type') === 'application/problem+json', 'is no problem document', 'set Content-Type'],
    [says('Cache-Control') === 'no-store', 'may be kept', 'set Cache-Control'],
    [says('Access-Control-Allow-Origin') === '*', 'cannot be read by pages', 'set Access-Control-Allow-Origin'],
    [header === undefined || says(header) !== undefined, `does not say ${header}`, 'name it in refusals.json'],
  ]
  return wanted.flatMap(([holds, what, cure]) =>
    holds ? [] : [onResource(policy, 'refusals', `what answers ${status} ${what}`, cure)],
  )
}

function problemIn(answer: Answer | undefined): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(answer?.['set-body'] ?? '') as Readonly<Record<string, unknown>>
  } catch {
    return {}
  }
}
