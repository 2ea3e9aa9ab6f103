import { deploymentsOf, mainFile } from '../bicep/deployments.ts'
import { distinct, onResource } from '../bicep/rule.ts'
import type { Resource } from '../bicep/value.ts'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'

/** Bicep parses, every name, parameter, output and file in it exists, and every API version is one that was looked up. */
export async function checkBicepCompiles(sources: Sources): Promise<Finding[]> {
  const { least, most } = await deploymentsOf(sources)
  const problems = [...least.problems, ...most.problems].map(({ file, line, text }) => ({
    file: `${file}:${line}`,
    rule: 'azure/compiles',
    problem: text,
    cure: 'correct it: the Bicep compiler would refuse it, or what is checked here would not be what deploys',
  }))
  const versions = JSON.parse(await sources.text('azure/infra/api-versions.json')) as Record<string, string>
  const used = [...least.resources, ...most.resources]
  const unlisted = used.flatMap((resource) => versionFindings(resource, versions))
  const idle = Object.keys(versions).filter((type) => !used.some((resource) => listedAs(resource) === type))
  return distinct([
    ...problems,
    ...unlisted,
    ...idle.map((type) => ({
      file: 'azure/infra/api-versions.json',
      rule: 'azure/api-version',
      problem: `${type} is deployed by nothing`,
      cure: `take it out, or declare it below ${mainFile}`,
    })),
    ...sameNames(least.resources),
    ...(await parameterFindings(sources)),
  ])
}

/** What azd fills in are parameters, and none is wanting. */
async function parameterFindings(sources: Sources): Promise<Finding[]> {
  const file = 'azure/infra/main.parameters.json'
  const { parameters } = JSON.parse(await sources.text(file)) as { parameters: Record<string, unknown> }
  const declared = [...(await sources.text(mainFile)).matchAll(/^param (\w+) \w+( =)?/gm)]
  const names = declared.map(([, name]) => name)
  const unknown = Object.keys(parameters).filter((name) => !names.includes(name))
  const wanting = declared
    .filter(([, name = '', fallback]) => !fallback && !(name in parameters))
    .map(([, name = '']) => name)
  return [
    ...unknown.map((name) => ({ name, problem: `${name} is no parameter of ${mainFile}` })),
    ...wanting.map((name) => ({ name, problem: `${name} is not given` })),
  ].map(({ problem }) => ({ file, rule: 'azure/parameters', problem, cure: 'keep the two alike' }))
}

const listedAs = ({ type }: Resource): string => type.split('/').slice(0, 2).join('/')

function versionFindings(resource: Resource, versions: Readonly<Record<string, string>>): Finding[] {
  const { apiVersion } = resource
  const listed = versions[listedAs(resource)]
  if (listed === apiVersion && /^20\d\d-[01]\d-[0-3]\d(-preview)?$/.test(apiVersion)) return []
  const problem = `API version ${apiVersion || 'none'}, listed is ${listed ?? 'none'}`
  const cure = 'use one that exists for the type, and list it in azure/infra/api-versions.json'
  return [onResource(resource, 'api-version', problem, cure)]
}

/** Two resources of one type and name would be one. */
function sameNames(resources: readonly Resource[]): Finding[] {
  const seen = new Set<string>()
  return resources.flatMap((resource) => {
    const scope = resource.at('scope') as Resource | undefined
    const id = `${scope?.id ?? ''}${resource.id}`.toLowerCase()
    if (resource.existing || !seen.has(id)) {
      if (!resource.existing) seen.add(id)
      return []
    }
    return [onResource(resource, 'same-name', `a second one is named ${resource.name}`, 'give it another name')]
  })
}
