import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { processesOf } from '../../local/supervisor/processes.ts'
import { secretsOf } from '../../local/supervisor/secrets.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const portBase = 4500
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'processes-'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

test('secrets are made once, differ between folders, and are for their owner alone', async () => {
  const secrets = await secretsOf(folder)
  expect(await secretsOf(folder)).toEqual(secrets)
  expect((await stat(join(folder, 'secrets.json'))).mode & 0o777).toBe(0o600)
  const other = await mkdtemp(join(folder, 'other-'))
  expect((await secretsOf(other)).signingKeys.aws.d).not.toBe(secrets.signingKeys.aws.d)
})

test('a folder of a version that knew fewer secrets gets the others, and keeps its own', async () => {
  const { signingKeys: _, ...older } = await secretsOf(folder)
  await writeFile(join(folder, 'secrets.json'), JSON.stringify(older))
  const secrets = await secretsOf(folder)
  expect(secrets).toMatchObject({ ...older, signingKeys: { aws: { crv: 'Ed25519' }, azure: { crv: 'Ed25519' } } })
  expect(await secretsOf(folder)).toEqual(secrets)
})

test('each host signs with its own key alone, and both know the public halves of both', async () => {
  const secrets = await secretsOf(folder)
  const surroundings = { root, dataFolder: folder, portBase, scheduleScale: 1, secrets, extraEnv: {} }
  const specs = [...processesOf('aws', surroundings), ...processesOf('azure', surroundings)]
  const [aws, azure] = ['aws-host', 'azure-host'].map((name) => specs.find((spec) => spec.name === name)?.env ?? {})
  const { signingKeys } = secrets
  expect([aws, azure].map((env) => JSON.parse(env?.SIGNING_PRIVATE_KEY ?? '{}').d)).toEqual([
    signingKeys.aws.d,
    signingKeys.azure.d,
  ])
  expect(JSON.stringify(aws)).not.toContain(signingKeys.azure.d)
  expect(JSON.stringify(azure)).not.toContain(signingKeys.aws.d)
  expect(aws?.SIGNING_PUBLIC_KEYS).toBe(azure?.SIGNING_PUBLIC_KEYS)
})

test('the origins that the start was given reach both hosts', async () => {
  process.env.ALLOWED_ORIGINS = 'http://localhost:3000'
  try {
    const secrets = await secretsOf(folder)
    const surroundings = { root, dataFolder: folder, portBase, scheduleScale: 1, secrets, extraEnv: {} }
    const specs = [...processesOf('aws', surroundings), ...processesOf('azure', surroundings)]
    const hosts = specs.filter(({ name }) => name.endsWith('-host'))
    expect(hosts.map(({ env }) => env['ALLOWED_ORIGINS'])).toEqual(['http://localhost:3000', 'http://localhost:3000'])
  } finally {
    delete process.env.ALLOWED_ORIGINS
  }
})

test('the Functions host runs with the settings that deploy, by which Node keeps its heap smaller', async () => {
  const secrets = await secretsOf(folder)
  const surroundings = { root, dataFolder: folder, portBase, scheduleScale: 1, secrets, extraEnv: {} }
  const host = processesOf('azure', surroundings).find(({ name }) => name === 'azure-host')
  const print = ['-p', "require('node:v8').getHeapStatistics().heap_size_limit"]
  const limitWith = (env: Record<string, string>): number =>
    Number(execFileSync(process.execPath, print, { env, encoding: 'utf8' }))
  const { NODE_OPTIONS = '' } = host?.env ?? {}
  expect(limitWith({ NODE_OPTIONS })).toBeLessThan(limitWith({}))
})
