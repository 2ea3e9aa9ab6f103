import { resourcesOf } from '../bicep/deployments.ts'
import { distinct, onResource } from '../bicep/rule.ts'
import { at, isList, type Resource, textOf } from '../bicep/value.ts'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'

const wanted: Readonly<Record<string, RegExp>> = {
  'Content-Security-Policy': /default-src 'none'.*sandbox/,
  'Strict-Transport-Security': /max-age=\d{8,}/,
  'X-Content-Type-Options': /^nosniff$/,
}

/** Of a rule. Source: Azure Front Door limits. */
const actionsMax = 5

/** What Front Door says of an object over what the store says: the same as CloudFront does. */
export async function checkBicepHeaders(sources: Sources): Promise<Finding[]> {
  const rules = await resourcesOf(sources, 'Microsoft.Cdn/profiles/ruleSets/rules')
  return distinct(rules.flatMap(findingsOn))
}

function findingsOn(rule: Resource): Finding[] {
  const actions = rule.at('properties', 'actions')
  const given = (isList(actions) ? actions : []).map((action) => at(action, 'parameters') ?? null)
  const says = (name: string, value: RegExp): boolean =>
    given.some(
      (one) =>
        at(one, 'headerName') === name &&
        at(one, 'headerAction') === 'Overwrite' &&
        value.test(textOf(at(one, 'value') ?? '')),
    )
  const lacking = Object.entries(wanted).filter(([name, value]) => !says(name, value))
  return [
    ...(given.length > actionsMax ? [onResource(rule, 'headers', `has ${given.length} actions`, 'five at most')] : []),
    ...lacking.map(([name]) => onResource(rule, 'headers', `does not say ${name}`, 'say what CloudFront says')),
  ]
}
