import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const script = fileURLToPath(new URL('../../local/traces.ts', import.meta.url))
const trace = 'ab'.repeat(16)
let folder = ''

const line = (ms: number, cloud: string, message: string, [span, parent]: readonly string[], more: object = {}) =>
  JSON.stringify({
    '@timestamp': new Date(ms).toISOString(),
    'log.level': 'info',
    message,
    'service.name': 'http',
    'cloud.provider': cloud,
    'trace.id': trace,
    'span.id': span,
    ...(parent ? { 'parent.id': parent } : {}),
    ...more,
  })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'catamaran-traces-'))
  await mkdir(join(folder, 'logs'))
  const aws = [
    '--- started',
    `[job 1] ${line(1_000_020, 'aws', 'A run ended', ['b', 'a'], { outcome: 'ready' })}`,
    line(1_000_000, 'aws', 'request', ['a', 'client'], { status: 202 }),
    '{"trace.id": broken',
    line(1_000_005, 'aws', 'other', ['z']).replace(trace, 'cd'.repeat(16)),
  ]
  await writeFile(join(folder, 'logs/aws-host.log'), aws.join('\n'))
  const azure = [
    line(1_000_300, 'azure', 'An asset changed', ['c']),
    line(1_000_400, 'azure', 'An object is here', ['d', 'c']),
  ]
  await writeFile(join(folder, 'logs/azure-host.log'), azure.join('\n'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const run = async (...args: string[]): Promise<string[]> => {
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...args, '--data', folder])
  return stdout.trimEnd().split('\n')
}

test('a trace is printed as a tree over both clouds, and what is no such line is passed over', async () => {
  expect(await run(trace)).toEqual([
    '       +0 ms  aws http              request  (status 202)',
    '      +20 ms  aws http                A run ended  (outcome ready)',
    '     +300 ms  azure http            An asset changed',
    '     +400 ms  azure http              An object is here',
  ])
})

test('a whole traceparent names its trace; without one the newest are listed; an unknown one ends with 1', async () => {
  expect(await run(`00-${trace}-${'0'.repeat(15)}1-01`)).toHaveLength(4)
  const listed = await run()
  expect(listed.map((each) => each.slice(0, 32))).toEqual([trace, 'cd'.repeat(16)])
  expect(listed[0]).toContain('4 lines at aws and azure: request')
  await expect(run('ef'.repeat(16))).rejects.toMatchObject({ code: 1 })
  await expect(run('x')).rejects.toMatchObject({ code: 2 })
})
