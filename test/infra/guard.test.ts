import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { brokenIn, programFor } from '../../infra/guard/run.ts'
import { repository } from '../../infra/sources.ts'

const ours = join(repository, 'infra/guard')

describe('cfn-guard', () => {
  let folder: string
  let rules: string
  const program = programFor() ?? 'none'
  const template = (): string => join(folder, 'template.json')

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'catamaran-guard-'))
    rules = join(folder, 'rules')
    await mkdir(rules)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const broken = async (resources: Record<string, unknown>, folderOfRules: string): Promise<string[]> => {
    await writeFile(template(), JSON.stringify({ Resources: resources }))
    const found = await brokenIn(program, template(), folderOfRules)
    return found.map(({ rule, logicalId, cure }) => `${rule} ${logicalId}: ${cure}`)
  }

  test('names the resource that breaks a rule, and what to do', async () => {
    const pool = (MfaConfiguration: string) => ({
      Type: 'AWS::Cognito::UserPool',
      Properties: {
        MfaConfiguration,
        DeletionProtection: 'ACTIVE',
        AdminCreateUserConfig: { AllowAdminCreateUserOnly: true },
        Policies: { PasswordPolicy: { MinimumLength: 14 } },
      },
    })
    const about = (lines: string[]) => lines.filter((line) => line.startsWith('people_need'))
    expect(about(await broken({ Staff: pool('ON'), Others: pool('OPTIONAL') }, ours))).toEqual([
      'people_need_a_second_factor Others: Ask everybody for a second factor.',
    ])
    expect(about(await broken({ Staff: pool('ON') }, ours))).toEqual([])
  })

  test('finds a property that is missing, and a type of which there is none', async () => {
    const said = await broken({ Records: { Type: 'AWS::DynamoDB::Table', Properties: {} } }, ours)
    expect(said).toContain('tables_go_back_in_time Records: Enable point-in-time recovery.')
    expect(said.filter((line) => line.startsWith('keys_turn_and_stay'))).toHaveLength(1)
  })

  test('does not pass over rules that it cannot read, or that it left out', async () => {
    const file = join(rules, 'a.guard')
    await writeFile(file, 'rule one { Resources !empty }\n')
    expect(await broken({ A: { Type: 'B' } }, rules)).toEqual([])
    await writeFile(file, 'rule one { Resources !empty }\nrule two when Resources.B exists { Resources !empty }\n')
    await expect(broken({ A: { Type: 'B' } }, rules)).rejects.toThrow('did not look at the rule two')
    await writeFile(file, 'rule one { Resources !empty }\n')
    await writeFile(join(rules, 'b.guard'), 'rule three { this is none }\n')
    await expect(broken({ A: { Type: 'B' } }, rules)).rejects.toThrow('cfn-guard')
  })

  test('is known to lack where its package brings no program', () => {
    expect(programFor('linux', 'x64')).toMatch(/x86_64/)
    expect(programFor('darwin', 'arm64')).toMatch(/aarch64/)
    expect(programFor('win32', 'x64')).toBeUndefined()
    expect(programFor('linux', 'ppc64')).toBeUndefined()
  })
})
