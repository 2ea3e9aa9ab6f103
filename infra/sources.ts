import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from '../scripts/build.ts'
import { type CloudFormation, parseCloudFormation } from './cloudformation.ts'

export const repository = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')

/** What is checked: the repository, or a copy of it in which a mistake was planted. */
export interface Sources {
  readonly root: string
  /** The path of a file or folder of it. */
  path(name: string): string
  text(name: string): Promise<string>
  /** What `serverless package` makes of it for the stage `dev`, offline; made once. Throws when it cannot be packaged. */
  template(): Promise<CloudFormation>
  /** The file in `aws/infra` that holds a resource of the template, else serverless.yml. */
  fileOf(logicalId: string): Promise<string>
  close(): Promise<void>
}

const framework = join(repository, 'node_modules/serverless/bin/serverless.js')
const packageMsMax = 90_000

/** What whoever deploys must give; the surroundings of a check must not change what it says. */
const packagingEnvironment = {
  PATH: process.env.PATH,
  HOME: process.env.HOME,
  EDGE_PUBLIC_KEY: '-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n-----END PUBLIC KEY-----',
}

export function sourcesIn(root: string): Sources {
  const path = (name: string): string => join(root, name)
  let folder: Promise<string> | undefined
  let template: Promise<CloudFormation> | undefined
  let declarations: Promise<Map<string, string>> | undefined
  return {
    root,
    path,
    text: (name) => readFile(path(name), 'utf8'),
    template: () =>
      (template ??= (async () => {
        folder ??= mkdtemp(join(tmpdir(), 'catamaran-package-'))
        return packageIn(root, await folder)
      })()),
    fileOf: async (logicalId) => (await (declarations ??= declared(root))).get(logicalId) ?? 'serverless.yml',
    close: async () => {
      if (folder) await rm(await folder, { recursive: true, force: true })
    },
  }
}

/**
 * In a folder of its own, so that neither what is there nor another run is in the way; the zips are in `.serverless` there. `more`
 * names what goes into them besides the bundles, where it is there: no template says anything of it.
 */
export async function packageIn(root: string, folder: string, more: readonly string[] = []): Promise<CloudFormation> {
  const dist = join(root, 'dist/aws')
  if (!existsSync(dist)) await build({ root })
  for (const name of ['serverless.yml', 'package.json', 'aws/infra', 'dist/aws', 'infra']) {
    await cp(join(root, name), join(folder, name), { recursive: true })
  }
  for (const name of more.filter((one) => existsSync(join(root, one))))
    await cp(join(root, name), join(folder, name), { recursive: true })
  const output = await run(folder, ['package', '--stage', 'dev'])
  const path = join(folder, '.serverless/cloudformation-template-update-stack.json')
  if (!existsSync(path)) throw new Error(`serverless package made no template: ${output.replace(/\s+/g, ' ').trim()}`)
  return parseCloudFormation(path, await readFile(path, 'utf8'))
}

const run = (cwd: string, args: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [framework, ...args], {
      cwd,
      env: packagingEnvironment,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    const timer = setTimeout(() => {
      output += ` (stopped after ${packageMsMax / 1_000} s without an end)`
      child.kill('SIGKILL')
    }, packageMsMax)
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes: Buffer) => (output += bytes.toString()))
    child.once('error', reject)
    child.once('close', () => {
      clearTimeout(timer)
      resolve(output)
    })
  })

async function declared(root: string): Promise<Map<string, string>> {
  const files = (await readdir(join(root, 'aws/infra'))).filter((name) => name.endsWith('.yml'))
  const pairs = await Promise.all(
    files.map(async (name) => {
      const text = await readFile(join(root, 'aws/infra', name), 'utf8')
      return [...text.matchAll(/^ {2}([A-Za-z0-9]+):$/gm)].map(([, id = '']) => [id, `aws/infra/${name}`] as const)
    }),
  )
  return new Map(pairs.flat())
}
