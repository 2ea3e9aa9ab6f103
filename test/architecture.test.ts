import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'
import { functionNames } from '../scripts/build.ts'
import { asymmetries, violationsIn } from './architecture-rules.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const paths = globSync('{shared,aws,azure,local,test,bench,infra,scripts,cli,client}/**/*.ts', { cwd: root })
  .filter((path) => !path.includes('node_modules'))
  .sort()
const linesOf = (count: number): string => 'const a = 1\n'.repeat(count)
const rulesIn = (path: string, text: string): string[] => violationsIn({ path, text }).map(({ rule }) => rule)

describe('the repository holds its rules', () => {
  test('there is something to look at', () => {
    expect(paths.length).toBeGreaterThan(100)
  })

  test('every file', () => {
    const found = paths.flatMap((path) => violationsIn({ path, text: readFileSync(join(root, path), 'utf8') }))
    expect(found.map(({ rule, path, line, detail }) => `${path}:${line} ${rule} ${detail}`)).toEqual([])
  })

  test('every decision record has a number of its own, which its title says', () => {
    const records = globSync('docs/adr/*.md', { cwd: root })
    const numbers = records.map((path) => path.slice('docs/adr/'.length, 'docs/adr/0000'.length))
    expect(new Set(numbers).size).toBe(records.length)
    for (const [index, path] of records.entries()) {
      expect(readFileSync(join(root, path), 'utf8')).toMatch(new RegExp(`^# ${numbers[index]} `))
    }
  })

  test('both clouds list the same files', () => {
    expect(asymmetries(paths)).toEqual([])
  })

  test('both clouds have every handler', () => {
    const handlers = (cloud: string) =>
      paths
        .filter((path) => path.startsWith(`${cloud}/handlers/`))
        .map((path) => path.slice(`${cloud}/handlers/`.length, -3))
    expect(handlers('aws')).toEqual([...functionNames].sort())
    expect(handlers('azure')).toEqual([...functionNames].sort())
  })
})

describe('each rule can fail', () => {
  test.each<[string, string, string]>([
    ['sdk-in-shared', 'shared/core/a.ts', `import { S3Client } from '@aws-sdk/client-s3'`],
    ['sdk-in-shared', 'shared/core/a.ts', `import type { Context } from 'aws-lambda'`],
    ['sdk-in-shared', 'shared/core/a.ts', `const a = await import('@azure/cosmos')`],
    ['sdk-in-shared', 'shared/core/a.ts', `export type A = import('@azure/functions').HttpRequest`],
    ['sdk-in-shared', 'shared/core/a.ts', `export { default as a } from '@middy/core'\nexport const b = 1`],
    ['sdk-in-shared', 'shared/core/a.ts', `const a = require('@azure/storage-blob')`],
    ['sdk-in-shared', 'shared/core/a.ts', `import aws from 'aws-sdk'\nexport const a = aws`],
    ['sdk-in-shared', 'shared/core/a.ts', `import { S3 } from 'aws-sdk/clients/s3'`],
    ['sdk-in-shared', 'shared/http/a.ts', `import { handle } from 'hono/aws-lambda'`],
    ['sdk-in-shared', 'shared/http/a.ts', `import { handle } from 'hono/lambda-edge'`],
    ['clouds-apart', 'aws/adapters/a.ts', `import { a } from '../../azure/adapters/a.ts'`],
    ['clouds-apart', 'azure/compose.ts', `import type { A } from '../aws/config.ts'`],
    ['shared-below', 'shared/core/a.ts', `import { a } from '../../aws/compose.ts'`],
    ['deployed-alone', 'shared/core/a.ts', `import { a } from '../../local/start.ts'`],
    ['deployed-alone', 'aws/adapters/a.ts', `import { a } from '../../test/memory/a.ts'`],
    ['environment', 'shared/core/a.ts', 'export const a = process.env.HOME'],
    ['environment', 'aws/compose.ts', `export const a = process['env']`],
    ['environment', 'azure/compose.ts', 'const { env } = process'],
    ['environment', 'azure/compose.ts', `import { env } from 'node:process'`],
    ['environment', 'shared/core/a.ts', 'export const a = globalThis.process.env.HOME'],
    ['environment', 'shared/core/a.ts', `export const a = globalThis['process']['env']`],
    ['environment', 'shared/core/a.ts', 'const g = globalThis\nexport const a = g.process.env'],
    ['environment', 'shared/core/a.ts', 'const { process: p } = globalThis\nexport const a = p.env'],
    ['environment', 'shared/core/a.ts', 'let env\n;({ env } = process)\nexport const a = env'],
    ['environment', 'shared/core/a.ts', 'const b = () => process\nexport const a = b().env'],
    ['environment', 'shared/core/a.ts', 'const b = () => globalThis.process\nexport const a = b().env'],
    ['environment', 'shared/core/a.ts', 'export const a = Object.entries({ process })'],
    ['environment', 'shared/core/a.ts', 'export const a = (name: string) => process[name]'],
    ['environment', 'shared/core/a.ts', `export const a = process?.env`],
    ['handler-lines', 'aws/handlers/http.ts', linesOf(41)],
    ['file-lines', 'shared/core/a.ts', linesOf(301)],
    ['function-lines', 'shared/core/a.ts', `export const f = () => {\n${linesOf(69)}}`],
    ['default-export', 'shared/core/a.ts', 'export default 1'],
    ['enum', 'shared/core/a.ts', 'enum A { B }'],
    ['namespace', 'shared/core/a.ts', 'namespace A { export const b = 1 }'],
    ['any', 'shared/core/a.ts', 'export const a = (b: any) => b'],
    ['any', 'shared/core/a.ts', 'export const a = [] as any[]'],
    ['parameter-property', 'shared/core/a.ts', 'export class A { constructor(readonly b: string) {} }'],
    ['barrel', 'shared/core/a.ts', `export * from './b.ts'\nexport { c } from './c.ts'`],
    ['kebab-case', 'shared/core/camelCase.ts', ''],
    // In two parts, so that this file holds none itself.
    ['unfinished', 'shared/core/a.ts', `// TO${'DO'}: later`],
    ['unfinished', 'test/core/a.test.ts', `test.${'skip'}('a', () => undefined)`],
    ['past-the-ports', 'shared/core/a.ts', `import { setTimeout as sleep } from 'node:timers/promises'`],
    ['past-the-ports', 'shared/core/a.ts', `import { setTimeout } from 'timers'`],
    ['past-the-ports', 'shared/domain/a.ts', `import type { Socket } from 'node:net'`],
    ['past-the-ports', 'shared/replication/a.ts', `const { get } = await import('node:https')`],
    ['past-the-ports', 'shared/core/a.ts', `import { spawn } from 'node:child_process'`],
    ['past-the-ports', 'shared/core/a.ts', 'export const a = new Date()'],
    ['past-the-ports', 'shared/core/a.ts', 'export const a = Date()'],
    ['past-the-ports', 'shared/core/a.ts', 'export const a = Date.now()'],
    ['past-the-ports', 'shared/core/a.ts', `export const a = [1].map(Date['now'])`],
    ['past-the-ports', 'shared/core/a.ts', 'export const { now } = Date'],
    ['past-the-ports', 'shared/domain/a.ts', 'export const a = Math.random()'],
    ['past-the-ports', 'shared/core/a.ts', `import { randomUUID as id } from 'node:crypto'`],
    ['past-the-ports', 'shared/core/a.ts', 'export const a = crypto.randomUUID()'],
    ['past-the-ports', 'shared/core/a.ts', 'setTimeout(() => undefined, 1)'],
    ['unbounded-process', 'shared/media/a.ts', `import { spawn } from 'node:child_process'`],
    ['unbounded-process', 'aws/adapters/a.ts', `const { fork } = await import('child_process')`],
    ['unbounded-process', 'shared/media/a.ts', `import type { Worker } from 'node:worker_threads'`],
    ['all-of-zod', 'shared/http/a.ts', `import { z } from '@hono/zod-openapi'`],
    ['all-of-zod', 'aws/config.ts', `import { z as schema } from 'zod'`],
    ['all-of-zod', 'aws/config.ts', `import zod from 'zod'`],
    ['parses', 'shared/core/a.ts', 'const = 1'],
  ])('%s in %s', (rule, path, text) => {
    expect(rulesIn(path, text)).toContain(rule)
  })

  test.each<[string, string, string]>([
    [
      'an SDK in an adapter',
      'aws/adapters/a.ts',
      `import { S3Client } from '@aws-sdk/client-s3'\nexport const a = S3Client`,
    ],
    ['the environment in config.ts', 'aws/config.ts', 'export const a = process.env'],
    [
      'forbidden words in comments and strings',
      'shared/core/a.ts',
      '// any enum in process.env, and import { a } from "@azure/cosmos"\nexport const a = "any"',
    ],
    [
      'what else the process knows, and other things of that name',
      'shared/core/a.ts',
      `export const a = [process.platform, globalThis.process.arch, process['pid'], { process: 1 }.process, 'process']`,
    ],
    ['a handler of 40 lines', 'aws/handlers/http.ts', linesOf(40)],
    ['a file of 300 lines', 'shared/core/a.ts', linesOf(300)],
    ['a function of 70 lines', 'shared/core/a.ts', `export const f = () => {\n${linesOf(68)}}`],
    ['a date of a given moment', 'shared/core/a.ts', 'export const a = new Date(5).toISOString()'],
    ['a clock in the adapter of the clock', 'shared/adapters/clock.ts', 'export const now = () => Date.now()'],
    [
      'a program in the one place that bounds it',
      'shared/process/bounded-process.ts',
      `import { spawn } from 'node:child_process'\nexport const a = spawn`,
    ],
    ['zod by its names', 'aws/config.ts', `import * as z from 'zod'\nexport const a = z.string()`],
    ['the environment in local/', 'local/start.ts', 'export const a = process.env.HOME'],
  ])('%s is allowed', (_, path, text) => {
    expect(rulesIn(path, text)).toEqual([])
  })

  test('a file without its twin', () => {
    const found = asymmetries(['aws/config.ts', 'azure/config.ts', 'aws/adapters/a.ts', 'azure/b.ts', 'aws/infra/c.ts'])
    expect(found.map(({ path }) => path)).toEqual(['aws/adapters/a.ts', 'azure/b.ts'])
  })
})
