import { readdir } from 'node:fs/promises'
import { parse } from 'yaml'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'

const workflowFile = '.github/workflows/deploy.yml'
const parametersFile = 'azure/infra/main.parameters.json'
const guides = ['docs/deploy.md', 'docs/pipelines.md'] as const

interface Workflow {
  readonly jobs: Readonly<
    Record<string, { readonly steps?: readonly { run?: string; env?: Readonly<Record<string, string>> }[] }>
  >
}

/** What whoever deploys can give reaches the templates by the pipeline too, and stands in a guide. */
export async function checkStageVariables(sources: Sources): Promise<Finding[]> {
  const workflow = parse(await sources.text(workflowFile)) as Workflow
  const told = await toldIn(sources)
  const aws = await readByAws(sources)
  const azure = await readByAzure(sources)
  return [
    ...differences(aws, envOf(workflow, 'serverless deploy'), 'serverless.yml'),
    ...differences(new Set([...azure, 'AZURE_PARAMETERS']), envOf(workflow, 'azure-parameters.ts'), parametersFile),
    ...untold([...aws, ...azure, ...variablesOf(await sources.text(workflowFile))], told),
    ...untold(await parametersBeside(sources), told),
  ]
}

async function toldIn(sources: Sources): Promise<ReadonlySet<string>> {
  const texts = await Promise.all(guides.map((file) => sources.text(file)))
  return new Set(
    texts.flatMap((text) => [...text.matchAll(/`([A-Za-z_0-9]+)(?:=\w*)?`/g)].map(([, name = '']) => name)),
  )
}

/** `${env:NAME}` in what the framework packages. */
async function readByAws(sources: Sources): Promise<Set<string>> {
  const files = (await readdir(sources.path('aws/infra'))).filter((name) => name.endsWith('.yml'))
  const names = ['serverless.yml', ...files.map((name) => `aws/infra/${name}`)]
  const texts = await Promise.all(names.map((name) => sources.text(name)))
  return new Set(texts.flatMap((text) => [...text.matchAll(/\$\{env:(\w+)/g)].map(([, name = '']) => name)))
}

/** `${NAME}` in what azd fills in; what it wants in base64 the pipeline gives as it is. */
async function readByAzure(sources: Sources): Promise<Set<string>> {
  const text = await sources.text(parametersFile)
  return new Set([...text.matchAll(/\$\{(\w+)/g)].map(([, name = '']) => name.replace(/_BASE64$/, '')))
}

/** Parameters that azd does not fill in. */
async function parametersBeside(sources: Sources): Promise<string[]> {
  const { parameters } = JSON.parse(await sources.text(parametersFile)) as { parameters: Record<string, unknown> }
  const declared = [...(await sources.text('azure/infra/main.bicep')).matchAll(/^param (\w+)/gm)]
  return declared.map(([, name = '']) => name).filter((name) => !(name in parameters))
}

const variablesOf = (text: string): string[] => [...text.matchAll(/\bvars\.(\w+)/g)].map(([, name = '']) => name)

/** The names that the steps with this command get. */
const envOf = ({ jobs }: Workflow, command: string): ReadonlySet<string> =>
  new Set(
    Object.values(jobs)
      .flatMap(({ steps = [] }) => steps)
      .filter(({ run = '' }) => run.includes(command))
      .flatMap(({ env = {} }) => Object.keys(env)),
  )

function differences(read: ReadonlySet<string>, given: ReadonlySet<string>, reader: string): Finding[] {
  const finding = (problem: string, cure: string): Finding => ({
    file: workflowFile,
    rule: 'pipeline/variables',
    problem,
    cure,
  })
  return [
    ...[...read]
      .filter((name) => !given.has(name))
      .map((name) => finding(`${name} stays behind`, `pass it on: ${reader} reads it`)),
    ...[...given]
      .filter((name) => !read.has(name))
      .map((name) => finding(`${name} is read by nothing`, `correct it: ${reader} has none`)),
  ]
}

const untold = (names: readonly string[], told: ReadonlySet<string>): Finding[] =>
  [...new Set(names)]
    .filter((name) => !told.has(name))
    .map((name) => ({
      file: guides[0],
      rule: 'pipeline/variables',
      problem: `nobody is told of ${name}`,
      cure: `name it in ${guides.join(' or ')}`,
    }))
