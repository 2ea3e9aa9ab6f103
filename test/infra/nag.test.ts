import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { sorted } from '../../infra/checks/aws-nag.ts'
import { type Nag, nagsOf } from '../../infra/nag/look.ts'
import { suppressions } from '../../infra/nag/suppressions.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'catamaran-nag-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function nagsIn(resources: Record<string, unknown>): Promise<string[]> {
  const path = join(folder, 'template.json')
  await writeFile(path, JSON.stringify({ Resources: resources }))
  return nagsOf(path).map(({ rule, logicalId }) => `${rule} ${logicalId}`)
}

test('cdk-nag tells of each resource what is wrong, and of a rule that broke off that it did', async () => {
  const role = (resource: string) => ({
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: {},
      Policies: [
        { PolicyName: 'a', PolicyDocument: { Statement: [{ Effect: 'Allow', Action: 's3:Get', Resource: resource }] } },
      ],
    },
  })
  const code = { Code: { ZipFile: '0' }, Role: 'a', Handler: 'a', Runtime: 'nodejs24.x' }
  const said = await nagsIn({
    Wild: role('*'),
    Tame: role('a'),
    Unknown: {
      Type: 'AWS::Lambda::Function',
      Properties: { ...code, ReservedConcurrentExecutions: { Ref: 'Wild' } },
    },
    Unbounded: { Type: 'AWS::Lambda::Function', Properties: code },
  })
  expect(said).toContain('AwsSolutions-IAM5[Resource::*] Wild')
  expect(said.filter((line) => line.startsWith('AwsSolutions-IAM5') && line.endsWith('Tame'))).toEqual([])
  const concurrency = 'NIST.800.53.R5-LambdaConcurrency'
  expect(said).toContain(`CdkNagValidationFailure[${concurrency}] Unknown`)
  expect(said).toContain(`${concurrency} Unbounded`)
  expect(said).not.toContain(`${concurrency} Unknown`)
})

test('what is not suppressed for that very resource stands, and what is suppressed in vain is told', () => {
  const nag = (rule: string, logicalId: string): Nag => ({ rule, logicalId, says: 'wrong' })
  const [known, elsewhere, other] = [nag('S1', 'Logs'), nag('S1', 'Uploads'), nag('S10', 'Logs')]
  const written = [{ rule: 'S1', logicalIds: ['Logs', 'Gone'], reason: 'so it is' }]
  expect(sorted([known, elsewhere, other], written)).toEqual({ open: [elsewhere, other], vain: [['S1', 'Gone']] })
})

test('each suppression says why, of a resource once', () => {
  const pairs = suppressions.flatMap(({ rule, logicalIds }) => logicalIds.map((id) => `${rule} ${id}`))
  expect(new Set(pairs).size).toBe(pairs.length)
  for (const { rule, reason } of suppressions) expect(`${rule}: ${reason}`).toMatch(/: \S.{20,}[^ .]\.$/)
})
