import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { at, isObject, type Json, listOf, objectOf, textOf } from '../cloudformation.ts'

/** A rule that a resource breaks, in cfn-guard's words. */
export interface Broken {
  readonly rule: string
  /** Empty when the rule is not about one resource, as when there is none of its type. */
  readonly logicalId: string
  readonly says: string
  /** What the rule itself says to do; may be empty. */
  readonly cure: string
}

const systems: Readonly<Record<string, string>> = { linux: 'ubuntu', darwin: 'macos' }
const processors: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' }
const exitCodes = { passed: 0, broken: 19 }

/** The program for this machine, as `@cdklabs/cdk-validator-cfnguard` brings it; undefined where it brings none. */
export function programFor(system: string = process.platform, processor: string = process.arch): string | undefined {
  const home = dirname(createRequire(import.meta.url).resolve('@cdklabs/cdk-validator-cfnguard/package.json'))
  const path = join(home, 'bin', systems[system] ?? 'none', processors[processor] ?? 'none', 'cfn-guard')
  return existsSync(path) ? path : undefined
}

/**
 * What a template breaks of the rules in a folder. Throws when a rule was not looked at: cfn-guard goes on after a file
 * that it cannot read, and leaves out a rule whose condition does not hold.
 */
export async function brokenIn(program: string, templatePath: string, rulesFolder: string): Promise<Broken[]> {
  const told = ['--structured', '--output-format', 'json', '--show-summary', 'none']
  const asked = ['validate', '--rules', rulesFolder, '--data', templatePath, ...told]
  const { code, stdout, stderr } = await run(program, asked)
  if (code !== exitCodes.passed && code !== exitCodes.broken) {
    throw new Error(`cfn-guard ended with ${code}: ${stderr.replace(/\s+/g, ' ').trim()}`)
  }
  const report = at(JSON.parse(stdout) as Json, 0)
  const broken = listOf(at(report, 'not_compliant')).map((one) => objectOf(at(one, 'Rule')))
  const looked = new Set([...listOf(at(report, 'compliant')), ...broken.map(({ name }) => name)])
  for (const name of await namesIn(rulesFolder)) {
    if (!looked.has(name)) throw new Error(`cfn-guard did not look at the rule ${name}: ${stderr}`)
  }
  return broken.flatMap(brokenBy)
}

async function namesIn(folder: string): Promise<string[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.guard'))
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')))
  return texts.flatMap((text) => [...text.matchAll(/^rule (\w+)/gm)].map(([, name = '']) => name))
}

/** Once for each resource: a rule of several clauses says the same of it several times. */
function brokenBy(rule: Json): Broken[] {
  const byId = new Map<string, Broken>()
  for (const { error, custom } of messagesIn(at(rule, 'checks'))) {
    const logicalId = /Path=\/Resources\/(\w+)/.exec(error)?.[1] ?? ''
    const before = byId.get(logicalId)
    const says = before?.says ?? error.replace(/ Value=[{[].*/, '')
    byId.set(logicalId, { rule: textOf(at(rule, 'name')), logicalId, says, cure: before?.cure || custom })
  }
  return [...byId.values()]
}

function messagesIn(node: Json | undefined): { error: string; custom: string }[] {
  if (Array.isArray(node)) return node.flatMap(messagesIn)
  if (!isObject(node)) return []
  const error = textOf(at(node, 'messages', 'error_message')).trim()
  const custom = textOf(at(node, 'messages', 'custom_message')).trim()
  return [...(error === '' ? [] : [{ error, custom }]), ...Object.values(node).flatMap(messagesIn)]
}

const run = (program: string, args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const [out, err]: [Buffer[], Buffer[]] = [[], []]
    child.stdout.on('data', (bytes: Buffer) => out.push(bytes))
    child.stderr.on('data', (bytes: Buffer) => err.push(bytes))
    child.once('error', reject)
    child.once('close', (code) =>
      resolve({ code: code ?? -1, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }),
    )
  })
