import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Check, Finding } from './finding.ts'
import type { Mutation } from './mutations/mutation.ts'
import { repository, sourcesIn } from './sources.ts'

export interface Outcome {
  readonly mutation: Mutation
  /** What the first check said that found something; empty when the mistake went by. */
  readonly findings: readonly Finding[]
}

/** What a copy needs for packaging, for building, and for reading declarations. */
const copied = [
  'serverless.yml',
  'host.json',
  'package.json',
  'aws',
  'azure',
  'shared',
  'infra',
  'scripts',
  'dist',
  '.github',
  '.ci',
]
const copiedIfThere = [
  'docs/runbooks.md',
  'docs/deploy.md',
  'docs/pipelines.md',
  'docs/sign-in.md',
  'docs/logs.md',
  'azure.yaml',
  '.funcignore',
  'tsconfig.json',
  'package-lock.json',
]

/** Large, and made of the rest. */
const leftOut = /[\\/]dist[\\/](maps|ffmpeg|node_modules|azure-app(\.zip)?)$/

/**
 * Plants one mistake in a copy of the repository and lets the checks look at it, the quick ones first, until one finds
 * something; a mistake that one check has to catch is shown to that one alone. Throws when it cannot be planted.
 */
export async function plant(mutation: Mutation, checks: readonly Check[]): Promise<Outcome> {
  const root = await mkdtemp(join(tmpdir(), 'catamaran-mutation-'))
  const sources = sourcesIn(root)
  try {
    const filter = (path: string): boolean => !leftOut.test(path)
    for (const name of copied) await cp(join(repository, name), join(root, name), { recursive: true, filter })
    for (const name of copiedIfThere) await cp(join(repository, name), join(root, name)).catch(() => undefined)
    await symlink(join(repository, 'node_modules'), join(root, 'node_modules'))
    const text = await readFile(join(root, mutation.file), 'utf8')
    await writeFile(join(root, mutation.file), planted(text, mutation))
    const looking = checks
      .filter(({ cloud }) => cloud === 'both' || cloud === mutation.cloud)
      .filter(({ name }) => mutation.by === undefined || mutation.by === name)
      .sort((one, other) => waitOf(one) - waitOf(other))
    for (const check of looking) {
      const findings = await findingsOf(check, sources)
      if (findings.length > 0) return { mutation, findings }
    }
    return { mutation, findings: [] }
  } finally {
    await sources.close()
    await rm(root, { recursive: true, force: true })
  }
}

/** Checks of both clouds want the packaged template, which takes seconds, also where the mistake is Azure's. */
const waitOf = ({ slow, cloud }: Check): number => (slow ? 2 : 0) + (cloud === 'both' ? 1 : 0)

export function planted(text: string, { name, file, find, replace }: Mutation): string {
  const times = text.split(find).length - 1
  if (times !== 1) throw new Error(`"${name}" cannot be planted: its text is found ${times} times in ${file}`)
  return text.replace(find, () => replace)
}

/** A check that cannot be carried out has found something as well. */
export async function findingsOf(check: Check, sources: ReturnType<typeof sourcesIn>): Promise<Finding[]> {
  try {
    return await check.run(sources)
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    return [{ file: '-', rule: `${check.name}/failed`, problem, cure: 'mend what keeps the check from running' }]
  }
}
