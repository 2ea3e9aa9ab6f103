import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { checks } from '../../infra/checks/all.ts'
import { plant, planted } from '../../infra/mutate.ts'
import { allMutations } from '../../infra/mutations/all.ts'
import { awsMutations } from '../../infra/mutations/aws.ts'
import { azureMutations } from '../../infra/mutations/azure.ts'
import { writeOpenApi } from '../../infra/openapi.ts'
import { repository } from '../../infra/sources.ts'
import { build } from '../../scripts/build.ts'

/** More than the packaging is given, so that it says itself what kept it. */
const packagingMs = 200_000
/** The checks of one kind are enough to show that planting works; `npm run check:infra -- --mutations` runs them all. */
const checksNamed = (prefix: string) => checks.filter(({ name }) => name.startsWith(prefix))

describe('mistakes planted into copies of the templates', () => {
  beforeAll(async () => {
    await build()
    await writeOpenApi(repository)
  }, packagingMs)

  test(
    'one of AWS is caught, by name and with a cure',
    async () => {
      const [mutation] = awsMutations
      if (!mutation) throw new Error('There is nothing to plant')
      const { findings } = await plant(mutation, checksNamed('aws-schema'))
      expect(findings.length).toBeGreaterThan(0)
      for (const { file, rule, problem, cure } of findings) expect([file, rule, problem, cure]).not.toContain('')
    },
    packagingMs,
  )

  test('one of Azure is caught, by name and with a cure', async () => {
    const [mutation] = azureMutations
    if (!mutation) throw new Error('There is nothing to plant')
    const { findings } = await plant(mutation, checksNamed('bicep'))
    expect(findings.map(({ rule, problem }) => [rule, problem])).toEqual([['azure/compiles', 'topics is not declared']])
    const control = await plant({ ...mutation, replace: mutation.find }, checksNamed('bicep'))
    expect(control.findings).toEqual([])
  })

  test('every one can be planted', async () => {
    for (const mutation of allMutations) {
      const text = await readFile(join(repository, mutation.file), 'utf8')
      expect(() => planted(text, mutation)).not.toThrow()
    }
  })

  test('what cannot be planted is not counted as caught', () => {
    const mutation = { name: 'a', cloud: 'aws', file: 'a.yml', find: 'x', replace: 'y' } as const
    expect(planted('a: x', mutation)).toBe('a: y')
    expect(() => planted('a: z', mutation)).toThrow('found 0 times')
    expect(() => planted('x: x', mutation)).toThrow('found 2 times')
  })
})
