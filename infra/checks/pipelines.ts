import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { parse } from 'yaml'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'
import { scriptFault, workflowFaults } from '../workflows.ts'

const folder = '.github/workflows'

interface Step {
  readonly id?: string
  readonly if?: string
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, unknown>>
}

interface Job {
  readonly uses?: string
  readonly permissions?: Permissions
  readonly 'runs-on'?: string
  readonly 'timeout-minutes'?: number
  readonly steps?: readonly Step[]
}

type Permissions = string | Readonly<Record<string, string>>

interface Workflow {
  readonly on?: { readonly workflow_call?: { readonly inputs?: Readonly<Record<string, unknown>> } }
  readonly permissions?: Permissions
  readonly defaults?: { readonly run?: { readonly shell?: string } }
  readonly jobs?: Readonly<Record<string, Job>>
}

/** One workflow as it is written and as it is understood. */
interface Pipeline {
  readonly file: string
  readonly text: string
  readonly workflow: Workflow
  readonly scripts: ReadonlySet<string>
  readonly exists: (path: string) => boolean
}

type Fault = readonly [rule: string, problem: string, cure: string]
type Rule = (pipeline: Pipeline) => readonly Fault[]

const rules: readonly Rule[] = [pinned, modest, keyless, harmless, runnable, readable, named, defaulted, whole]

/** That GitHub and bash understand the workflows, that they run what is pinned, may little, hold no key, and name only what exists. */
export async function checkPipelines(sources: Sources): Promise<Finding[]> {
  const names = (await readdir(sources.path(folder))).filter((name) => /\.ya?ml$/.test(name))
  const { scripts } = JSON.parse(await sources.text('package.json')) as { scripts: Record<string, string> }
  const found = await Promise.all(
    names.map(async (name) => {
      const file = `${folder}/${name}`
      const text = await sources.text(file)
      const finding = ([rule, problem, cure]: readonly [string, string, string]): Finding => ({
        file,
        rule: `pipeline/${rule}`,
        problem,
        cure,
      })
      try {
        const workflow = parse(text) as Workflow
        const exists = (path: string): boolean => existsSync(sources.path(path))
        const pipeline = { file, text, workflow, scripts: new Set(Object.keys(scripts)), exists }
        return rules.flatMap((rule) => rule(pipeline)).map(finding)
      } catch (error) {
        return [finding(['parses', (error as Error).message.split('\n')[0] ?? '', 'mend the YAML'])]
      }
    }),
  )
  const misunderstood = await workflowFaults(sources.root)
  return [
    ...found.flat(),
    ...misunderstood.map(({ file, problem }) => ({
      file,
      rule: 'pipeline/understood',
      problem,
      cure: 'correct it: GitHub would refuse the workflow',
    })),
  ]
}

const jobsOf = ({ workflow }: Pipeline): [string, Job][] => Object.entries(workflow.jobs ?? {})
const stepsOf = (pipeline: Pipeline): Step[] => jobsOf(pipeline).flatMap(([, job]) => job.steps ?? [])

/** An action is somebody else's code: a tag can be moved to other code, a commit cannot. */
function pinned({ text, exists }: Pipeline): readonly Fault[] {
  return [...text.matchAll(/^\s*(?:- )?uses: (\S+)(.*)$/gm)].flatMap(([, name = '', rest = '']): Fault[] => {
    if (name.startsWith('./')) {
      return exists(name.slice(2)) ? [] : [['exists', `${name} does not exist`, 'correct the path']]
    }
    if (!/^[\w.-]+\/[\w./-]+@[0-9a-f]{40}$/.test(name)) {
      return [['pinned', `${name} can become other code`, 'name the commit, all 40 characters']]
    }
    return /^ # v\d+\.\d+\.\d+$/.test(rest) ? [] : [['pinned', `${name}: of which version?`, 'add # vN.N.N']]
  })
}

function modest(pipeline: Pipeline): readonly Fault[] {
  const { workflow } = pipeline
  const isReadOnly = JSON.stringify(workflow.permissions) === '{"contents":"read"}'
  const top: Fault[] = isReadOnly
    ? []
    : [['permissions', 'the workflow may more than read', 'permissions: contents: read']]
  const jobs = jobsOf(pipeline).flatMap(([name, { permissions = {}, uses, steps = [] }]) => {
    const signsIn =
      uses !== undefined || steps.some((step) => /configure-aws-credentials|azure\/login/.test(step.uses ?? ''))
    const granted = typeof permissions === 'string' ? [['all', permissions]] : Object.entries(permissions)
    return granted
      .filter(([scope, level]) => !(scope === 'contents' && level === 'read') && !(scope === 'id-token' && signsIn))
      .map(([scope, level]): Fault => ['permissions', `${name} may ${level} ${scope}`, 'take it out'])
  })
  return [...top, ...jobs]
}

function keyless({ text }: Pipeline): readonly Fault[] {
  const found = /\bsecrets\b\.?\w*|AKIA[0-9A-Z]{16}|AccountKey=|aws-secret-access-key|client-secret|\bcreds:/.exec(
    text,
  )?.[0]
  return found
    ? [['keyless', `${found}: a key is stored`, 'sign in by OpenID Connect; what is no secret is a variable']]
    : []
}

/** Text from outside must not become a part of a script, nor a checkout keep its token for what runs after it. */
function harmless(pipeline: Pipeline): readonly Fault[] {
  const triggers = JSON.stringify(pipeline.workflow.on ?? '')
  const steps = stepsOf(pipeline)
  const foreign: Fault = ['harmless', 'it runs code of strangers with rights of its own', 'use pull_request']
  return [
    ...(/pull_request_target|workflow_run/.test(triggers) ? [foreign] : []),
    ...steps
      .filter(({ run }) => run?.includes('${{'))
      .map(({ run }): Fault => ['harmless', `an expression in a script: ${run?.slice(0, 60)}`, 'pass it by env']),
    ...steps
      .filter((step) => step.uses?.startsWith('actions/checkout@') && step.with?.['persist-credentials'] !== false)
      .map((): Fault => ['harmless', 'a checkout keeps its token', 'persist-credentials: false']),
  ]
}

function runnable(pipeline: Pipeline): readonly Fault[] {
  const jobs = jobsOf(pipeline)
    .filter(([, { uses }]) => uses === undefined)
    .flatMap(([name, job]) => {
      const endless: Fault = ['bounded', `${name} may run for six hours`, 'set timeout-minutes']
      const loose: Fault = ['pinned', `${name} runs on whatever is newest`, 'name the image']
      const isLoose = (job['runs-on'] ?? 'latest').endsWith('latest')
      return [...(job['timeout-minutes'] === undefined ? [endless] : []), ...(isLoose ? [loose] : [])]
    })
  const commands = stepsOf(pipeline).flatMap(({ run = '' }) => run.split('\n'))
  const scripts = commands.flatMap((line) =>
    [...line.matchAll(/npm run (?:-s )?([\w:-]+)/g)].map(([, name = '']) => name),
  )
  const files = commands.flatMap((line) =>
    [...line.matchAll(/(?:^|\s)((?:\.ci|scripts|infra)\/[\w./-]+)/g)].map(([, path = '']) => path),
  )
  return [
    ...jobs,
    ...scripts
      .filter((name) => !pipeline.scripts.has(name))
      .map((name): Fault => ['exists', `there is no script ${name}`, 'name one of package.json']),
    ...files
      .filter((path) => !pipeline.exists(path))
      .map((path): Fault => ['exists', `${path} does not exist`, 'correct the path']),
  ]
}

function readable(pipeline: Pipeline): readonly Fault[] {
  return stepsOf(pipeline).flatMap(({ run = '' }) => {
    const problem = scriptFault(run)
    return problem === undefined ? [] : [['readable', problem, 'correct the script'] as const]
  })
}

/** A step or an input of another name is empty, and nobody says so. */
function named(pipeline: Pipeline): readonly Fault[] {
  const inputs = Object.keys(pipeline.workflow.on?.workflow_call?.inputs ?? {})
  const used = (value: unknown, context: string): string[] =>
    [...JSON.stringify(value).matchAll(new RegExp(`\\b${context}\\.([\\w-]+)`, 'g'))].map(([, name = '']) => name)
  const unknown = (context: string, value: unknown, names: readonly (string | undefined)[]): Fault[] =>
    used(value, context)
      .filter((name) => !names.includes(name))
      .map((name): Fault => ['exists', `there is no ${context}.${name}`, 'name one that there is'])
  const expressions = [...pipeline.text.matchAll(/\$\{\{.*?\}\}/g)].map(([text]) => text)
  return [
    ...unknown('inputs', expressions, inputs),
    ...jobsOf(pipeline).flatMap(([, { steps = [] }]) =>
      unknown(
        'steps',
        steps.map((step) => [step.if, step.with, step.env]),
        steps.map(({ id }) => id),
      ),
    ),
  ]
}

/** A variable that nobody has set arrives as an empty one, which hides the default of whoever reads it. */
function defaulted(pipeline: Pipeline): readonly Fault[] {
  return stepsOf(pipeline)
    .filter(({ run = '', env = {} }) => run.includes('serverless ') && JSON.stringify(env).includes('vars.'))
    .filter(({ run = '' }) => !run.includes('|| unset "$name"'))
    .map((): Fault => ['defaults', 'empty variables hide the defaults of serverless.yml', 'unset what is empty first'])
}

/** Without a shell of one's own choice GitHub runs one for which `fails | tee` has gone well. */
function whole(pipeline: Pipeline): readonly Fault[] {
  const pipes = stepsOf(pipeline).some(({ run = '' }) => /[^|]\|[^|]/.test(run))
  if (!pipes || pipeline.workflow.defaults?.run?.shell === 'bash') return []
  return [['whole', 'what fails before a pipe is not noticed', 'defaults: run: shell: bash, which says pipefail']]
}
