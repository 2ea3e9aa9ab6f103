import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { deploy } from '../../infra/bicep/template.ts'
import { repository } from '../../infra/sources.ts'
import type { Fields } from '../../infra/bicep/value.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

async function deployed(files: Record<string, string>, parameters: Fields = {}) {
  const root = mkdtempSync(join(tmpdir(), 'bicep-'))
  folders.push(root)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
  const { outputs, resources, problems } = await deploy(root, 'main.bicep', parameters)
  return { outputs, resources, problems: problems.map(({ file, line, text }) => `${file}:${line} ${text}`) }
}

const outputOf = async (expression: string): Promise<unknown> => {
  const { outputs, problems } = await deployed({
    'main.bicep': `var a = { b: { c: 2 }, list: ['x', 'y'], yes: true }\nvar n = 3\noutput o string = ${expression}\noutput p int = n + a.b.c\n`,
  })
  return problems.length > 0 ? problems : outputs['o']
}

describe('expressions', () => {
  test.each<[string, unknown]>([
    ["'${n} ${a.b.c}!'", '3 2!'],
    ["'it\\'s'", "it's"],
    ['n + a.b.c * 2', 7],
    ['(n + 1) * a.b.c', 8],
    ["a.yes && n != 3 || a.b.c == 2 ? 'left' : 'right'", 'left'],
    ['n == 3 ? a.list[1] : a.list[0]', 'y'],
    ["n == 4 ? 'x' : a.b.c", 2],
    ['!a.yes', false],
    ["empty('') && !empty(a.list)", true],
    ['union({ a: 1, b: 1 }, { b: 2 }).b', 2],
    ['items({ k: 5 })[0].value', 5],
    ["replace('a-b', '-', '')", 'ab'],
    ["base64ToString(base64('ä'))", 'ä'],
    ["[for (item, index) in a.list: '${item}${index}']", ['x0', 'y1']],
  ])('%s', async (expression, value) => {
    expect(await outputOf(expression)).toEqual(value)
  })

  test.each<[string, string]>([
    ['a.b.d', 'a.b.d does not exist'],
    ['nobody', 'nobody is not declared'],
    ['format(n)', 'there is no function format here'],
    ['a.list[2]', 'nothing is at a.list[2]'],
    ["loadTextContent('none.txt')", 'there is no file none.txt'],
    ["'x' 'y'", 'not Bicep near'],
  ])('%s is a problem', async (expression, problem) => {
    expect(String(await outputOf(expression))).toContain(problem)
  })
})

const vault = "resource v 'Microsoft.KeyVault/vaults@2023-07-01' = {\n  name: 'v'\n}\n"

describe('templates', () => {
  test('loops, conditions, parents and nested resources become resources', async () => {
    const { resources, problems } = await deployed(
      {
        'main.bicep':
          "param on bool\nresource a 'A/a@2020-01-01' = {\n  name: 'a'\n  resource inner 'b' = [\n    for n in ['x', 'y']: { name: n }\n  ]\n}\n" +
          "resource c 'A/a/c@2020-01-01' = [\n  for n in [1, 2]: if (on) {\n    parent: a\n    name: 'c${n}'\n  }\n]\n",
      },
      { on: true },
    )
    expect(problems).toEqual([])
    expect(resources.map(({ id, apiVersion }) => `${id} ${apiVersion}`).sort()).toEqual([
      '/providers/A/a/a 2020-01-01',
      '/providers/A/a/b/a/x 2020-01-01',
      '/providers/A/a/b/a/y 2020-01-01',
      '/providers/A/a/c/a/c1 2020-01-01',
      '/providers/A/a/c/a/c2 2020-01-01',
    ])
  })

  test('modules take parameters and give outputs', async () => {
    const module = `param name string\n${vault}output uri string = v.properties.vaultUri\noutput twice string = '\${name}\${name}'\n`
    const main = (params: string, output: string): string =>
      `module m 'm.bicep' = {\n  name: 'm'\n  params: { ${params} }\n}\noutput o string = m.outputs.${output}\n`
    const files = (params: string, output: string) => ({ 'main.bicep': main(params, output), 'm.bicep': module })
    expect((await deployed(files("name: 'k'", 'twice'))).outputs).toEqual({ o: 'kk' })
    expect((await deployed(files("name: 'k'", 'uri'))).outputs).toEqual({ o: 'https://v.vault.azure.net/' })
    expect((await deployed(files("name: 'k'", 'url'))).problems).toEqual(['main.bicep:5 m.outputs.url does not exist'])
    expect((await deployed(files('', 'uri'))).problems).toEqual(['m.bicep:1 the parameter name is not given'])
    expect((await deployed(files('name: 1', 'uri'))).problems).toEqual([
      'm.bicep:1 the parameter name is int, not string',
    ])
    expect((await deployed(files("name: 'k', more: 1", 'uri'))).problems).toEqual([
      'm.bicep:1 there is no parameter more',
    ])
  })

  test('a module that a condition leaves out deploys nothing, and can be named', async () => {
    const main = (on: boolean): string =>
      `module m 'm.bicep' = if (${on}) {\n  name: 'm'\n}\noutput o string = m.outputs.o\n`
    const made = (on: boolean) => deployed({ 'main.bicep': main(on), 'm.bicep': `${vault}output o string = v.name\n` })
    expect((await made(true)).resources).toHaveLength(1)
    expect(await made(false)).toMatchObject({ resources: [], outputs: { o: 'v' }, problems: [] })
  })

  test('what a compiler would refuse or warn of', async () => {
    const problemsOf = async (text: string, parameters?: Fields) =>
      (await deployed({ 'main.bicep': text }, parameters)).problems
    expect(await problemsOf('param unused string\n', { unused: 'a' })).toEqual(['main.bicep:1 unused is never used'])
    expect(await problemsOf("@allowed(['a'])\nparam p string\noutput o string = p\n", { p: 'b' })).toEqual([
      'main.bicep:2 p may not be b',
    ])
    expect(await problemsOf('@minValue(5)\nparam p int\noutput o int = p\n', { p: 4 })).toEqual([
      'main.bicep:2 p is less than 5',
    ])
    expect(await problemsOf(`${vault}output o string = v.properties.vaultUrl\n`)).toEqual([
      'main.bicep:4 Microsoft.KeyVault/vaults has no properties.vaultUrl that is known to exist',
    ])
    expect(await problemsOf('var a = b\nvar b = a\noutput o string = a\n')).toContain('main.bicep:1 a needs itself')
  })
})

test("what is a developer's own has no locks, what is there to stay has them", async () => {
  const given = { location: 'westeurope', operatorEmail: 'operators@example.com' }
  const locksOf = async (stage: string): Promise<number> => {
    const { resources } = await deploy(repository, 'azure/infra/main.bicep', { ...given, stage })
    return resources.filter(({ type }) => /\/(locks|immutabilityPolicies)$/.test(type)).length
  }
  expect(await Promise.all(['own', 'dev', 'production'].map(locksOf))).toEqual([0, 4, 4])
})

test.each([
  ['failover', '30', [1, 2], 50],
  ['latency', '30', [1, 1], 0],
  ['weighted', '30', [1, 1], 1000],
  // Route 53 takes a site out so; Front Door has no 0.
  ['weighted', '0', [1, 1], 1000],
])('the edge turns to the sites by %s, to this one with %s', async (routing, siteWeight, priorities, borneMs) => {
  const { resources, problems } = await deploy(repository, 'azure/infra/main.bicep', {
    stage: 'dev',
    location: 'westeurope',
    operatorEmail: 'operators@example.com',
    peerHost: 'aws.example.com',
    routing,
    siteWeight,
    peerWeight: '70',
  })
  expect(problems).toEqual([])
  const sites = resources.filter(({ type, parent }) => type.endsWith('/origins') && parent?.name.endsWith('/apis'))
  const said = sites.map((site) => [site.name.split('/').at(-1), site.at('properties', 'weight')])
  expect(said).toEqual([
    ['azure', Math.max(1, Number(siteWeight))],
    ['aws', 70],
  ])
  expect(sites.map((site) => site.at('properties', 'priority'))).toEqual(priorities)
  expect(sites[0]?.parent?.at('properties', 'loadBalancingSettings', 'additionalLatencyInMilliseconds')).toBe(borneMs)
})
