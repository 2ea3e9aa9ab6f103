import { resourcesOf, deploymentsOf } from '../bicep/deployments.ts'
import { distinct, onResource } from '../bicep/rule.ts'
import { isFields, isList, type Resource, textOf, type Value } from '../bicep/value.ts'
import { always, global, names, ranges, words } from '../bicep/words.ts'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'

/** Every word of Azure in the templates is one that it knows, numbers are within its bounds, names fit its rules. */
export async function checkBicepWords(sources: Sources): Promise<Finding[]> {
  const { least, most } = await deploymentsOf(sources)
  const types = [...new Set([...least.resources, ...most.resources].map(({ type }) => type))]
  const resources = (await resourcesOf(sources, ...types)).filter(({ type }) => !type.endsWith('/sites/config'))
  return distinct(
    resources.flatMap((resource) => [
      ...leaves(resource.body, []).flatMap(({ path, value }) => leafFindings(resource, path, value)),
      ...nameFindings(resource),
    ]),
  )
}

interface Leaf {
  readonly path: readonly string[]
  readonly value: string | number | boolean
}

/** Plain values with the names on the way to them; a list's members are at the list's own name. */
function leaves(value: Value, path: readonly string[]): Leaf[] {
  if (isList(value)) return value.flatMap((item) => leaves(item, path))
  // What stores.json declares goes to Cosmos DB as it is, and the local server takes it as well.
  if (path.at(-1) === 'resource' || path.at(-1) === 'tags') return []
  if (isFields(value)) return Object.entries(value).flatMap(([name, inner]) => leaves(inner, [...path, name]))
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? [{ path, value }] : []
}

function leafFindings(resource: Resource, path: readonly string[], value: Leaf['value']): Finding[] {
  const [name = '', both] = [path.at(-1), path.slice(-2).join('.')]
  const wrong = (cure: string): Finding[] => [
    onResource(resource, 'word', `${path.join('.')} is ${JSON.stringify(value)}`, cure),
  ]
  if (typeof value === 'boolean') {
    const wanted = always[name]
    return wanted === undefined || wanted === value ? [] : wrong(`set it to ${wanted}`)
  }
  if (typeof value === 'number') {
    const range = ranges[both] ?? ranges[name]
    return range === undefined || (value >= range[0] && value <= range[1])
      ? []
      : wrong(`choose from ${range[0]} to ${range[1]}`)
  }
  const known = words[both] ?? words[name]
  return known === undefined || known.includes(value)
    ? []
    : wrong(`use one of ${known.join(', ')}, or list it in infra/bicep/words.ts`)
}

function nameFindings(resource: Resource): Finding[] {
  const pattern = names[resource.type]
  const location = resource.at('location')
  const said: Finding[] = []
  if (pattern && !pattern.test(resource.name))
    said.push(onResource(resource, 'name', `${resource.name} is no name for it`, `it has to fit ${pattern.source}`))
  if (location !== undefined && (location === 'global') !== global.has(resource.type)) {
    said.push(
      onResource(
        resource,
        'location',
        `lies in ${textOf(location)}`,
        'what has no region is `global`, all else is where the site is',
      ),
    )
  }
  return said
}
