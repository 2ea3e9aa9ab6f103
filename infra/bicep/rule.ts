import type { Finding } from '../finding.ts'
import { at, type Resource, type Value } from './value.ts'

/** A finding on a resource. */
export const onResource = (resource: Resource, rule: string, problem: string, cure: string): Finding => ({
  file: `${resource.file}:${resource.line}`,
  rule: `azure/${rule}`,
  problem: `${resource.symbol} (${resource.type}): ${problem}`,
  cure,
})

/** What a member of a resource's body has to be. */
export interface Expectation {
  readonly type: string
  /** Names with points between. */
  readonly path: string
  readonly is: Value | ((value: Value | undefined, resource: Resource) => boolean)
  readonly rule: string
  readonly cure: string
}

export function unmet(expectations: readonly Expectation[], resources: readonly Resource[]): Finding[] {
  return expectations.flatMap(({ type, path, is, rule, cure }) => {
    const concerned = resources.filter((resource) => resource.type === type)
    if (concerned.length === 0) return [missing(rule, `there is no ${type}`, cure)]
    return concerned.flatMap((resource) => {
      const value = at(resource.body, ...path.split('.'))
      const isMet = typeof is === 'function' ? is(value, resource) : value === is
      return isMet ? [] : [onResource(resource, rule, `${path} is ${JSON.stringify(value) ?? 'not set'}`, cure)]
    })
  })
}

export const missing = (rule: string, problem: string, cure: string): Finding => ({
  file: 'azure/infra/main.bicep',
  rule: `azure/${rule}`,
  problem,
  cure,
})

/** One finding each, though the same mistake shows with few options and with many. */
export function distinct(findings: readonly Finding[]): Finding[] {
  const known = new Map(findings.map((finding) => [JSON.stringify(finding), finding]))
  return [...known.values()]
}
