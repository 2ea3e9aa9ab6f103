import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { Stack } from '../../../local/aws/stack.ts'
import { evaluate, loadTemplate } from '../../../local/aws/template.ts'

let folder: string

const scope = { ref: (id: string) => `ref-${id}`, attribute: (id: string, name: string) => `${id}.${name}` }
const load = async (lines: readonly string[]) => {
  const file = join(folder, 'serverless.yml')
  await writeFile(file, ['service: s', 'provider: { name: aws }', 'functions: {}', ...lines].join('\n'))
  return loadTemplate({ file, stage: 'test', env: { ORIGINS: 'https://a.test,https://b.test' } })
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'template-'))
  await writeFile(
    join(folder, 'figures.json'),
    '{"feed-age": {"threshold": 7}, "template": {"Resources": {"A": {"Type": "T"}}}}',
  )
})

afterAll(() => rm(folder, { recursive: true, force: true }))

test('a value inside a file keeps its type, and may be a whole template', async () => {
  const { resources } = await load([
    'resources:',
    '  - ${file(figures.json):template}',
    '  - Resources:',
    '      B: { Type: T, Properties: { Threshold: "${file(figures.json):feed-age.threshold}" } }',
  ])
  expect(Object.keys(resources)).toEqual(['A', 'B'])
  expect(resources.B?.Properties.Threshold).toBe(7)
})

test('a place that is not in the file is said, with the file', async () => {
  await expect(load(['resources: ["${file(figures.json):nowhere.at.all}"]'])).rejects.toThrow(
    /figures\.json has nothing at nowhere\.at\.all/,
  )
})

test('parts of a template that hold no resources are passed over', async () => {
  const { resources } = await load(['resources: [{ Parameters: { P: { Type: String } } }, { Resources: {} }]'])
  expect(resources).toEqual({})
})

test('a parameter is what it is when whoever deploys says nothing', async () => {
  const parameters = '{ P: { Type: Number, Default: "${env:COUNT, \'5\'}" }, Q: { Type: String } }'
  const template = await load([`resources: [{ Parameters: ${parameters} }]`])
  expect(template.parameters).toEqual({ P: '5', Q: '' })
  const stack = new Stack(template, { region: 'r', account: 'a', sqsEndpoint: 'http://127.0.0.1:9' })
  expect([stack.ref('P'), stack.ref('Q')]).toEqual(['5', ''])
  expect(() => stack.ref('R')).toThrow('The template has no resource R')
})

test('a text is split into a list', async () => {
  const { resources } = await load([
    'resources:',
    '  - Resources:',
    "      A: { Type: T, Properties: { Origins: { 'Fn::Split': [',', \"${env:ORIGINS, 'none'}\"] } } }",
  ])
  expect(evaluate(resources.A?.Properties.Origins ?? null, scope)).toEqual(['https://a.test', 'https://b.test'])
})
