import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { checkPipelines } from '../../infra/checks/pipelines.ts'
import { repository, sourcesIn } from '../../infra/sources.ts'
import { fuzzedFormats } from '../media/fuzz-copies.ts'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'catamaran-pipelines-'))
  for (const name of ['.github', 'package.json', '.ci'])
    await cp(join(repository, name), join(root, name), { recursive: true })
})
afterAll(() => rm(root, { recursive: true, force: true }))

test('the workflows are as they should be', async () => {
  expect(await checkPipelines(sourcesIn(repository))).toEqual([])
})

test('each format that is damaged has its job at night', async () => {
  const { jobs } = parse(await readFile(join(repository, '.github/workflows/nightly.yml'), 'utf8')) as {
    jobs: { fuzz: { strategy: { matrix: { format: string[] } } } }
  }
  const { format } = jobs.fuzz.strategy.matrix
  expect(new Set(format)).toEqual(new Set([...Object.keys(fuzzedFormats), 'bombs']))
})

describe('what is planted into them is found', () => {
  const mistakes: readonly (readonly [what: string, file: string, find: string, replace: string, rule: string])[] = [
    [
      'a tag in place of a commit',
      'checks',
      'actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8',
      'actions/checkout@v5',
      'pinned',
    ],
    [
      'half a commit',
      'checks',
      'actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8',
      'actions/checkout@08c6903',
      'pinned',
    ],
    ['a commit of which nobody knows the version', 'checks', ' # v5.0.0', '', 'pinned'],
    ['a runner that changes', 'checks', 'ubuntu-24.04', 'ubuntu-latest', 'pinned'],
    ['rights to write', 'checks', '  contents: read', '  contents: write', 'permissions'],
    ['all rights', 'nightly', 'permissions:\n  contents: read', 'permissions: write-all', 'permissions'],
    [
      'tokens for a job that signs in nowhere',
      'nightly',
      '  drill:\n',
      '  drill:\n    permissions:\n      id-token: write\n',
      'permissions',
    ],
    ['a stored key', 'deploy', '${{ vars.AWS_DEPLOY_ROLE }}', '${{ secrets.AWS_KEY }}', 'keyless'],
    ['code of strangers with our rights', 'checks', '  pull_request:', '  pull_request_target:', 'harmless'],
    ['an expression in a script', 'checks', 'run: .ci/run', 'run: .ci/run ${{ github.head_ref }}', 'harmless'],
    ['a token that stays', 'checks', 'persist-credentials: false', 'fetch-depth: 1', 'harmless'],
    ['a job without an end', 'nightly', '    timeout-minutes: 60\n', '', 'bounded'],
    ['a script that is not there', 'nightly', 'npm run drill', 'npm run drills', 'exists'],
    ['a file that is not there', 'checks', '.ci/run', '.ci/runs', 'exists'],
    [
      'a workflow that is not there',
      'release',
      './.github/workflows/deploy.yml',
      './.github/workflows/deploys.yml',
      'exists',
    ],
    ['variables that hide defaults', 'deploy', '|| unset "$name"', '|| true', 'defaults'],
    ['a pipe that hides what failed', 'nightly', '    shell: bash', '    working-directory: .', 'whole'],
    ['a key that GitHub does not know', 'checks', '    timeout-minutes:', '    timeout-minute:', 'understood'],
    ['an expression that is none', 'deploy', "AZURE_ROLLING == 'on'", "AZURE_ROLLING = 'on'", 'understood'],
    ['a context that there is not', 'deploy', '${{ vars.AWS_REGION }}', '${{ variables.AWS_REGION }}', 'understood'],
    ['a function that there is not', 'deploy', 'if: failure()', 'if: failed()', 'understood'],
    ['an input that is not asked for', 'release', '      stage: dev', '      stages: dev', 'understood'],
    ['a job that waits for none', 'release', 'needs: dev', 'needs: deve', 'understood'],
    ['an input that nobody gives', 'deploy', '${{ inputs.artefact }}', '${{ inputs.artifact }}', 'exists'],
    ['the outcome of no step', 'deploy', 'steps.well.outcome', 'steps.good.outcome', 'exists'],
    ['a script that bash does not read', 'deploy', '          else\n', '          else if\n', 'readable'],
    ['no YAML', 'release', 'jobs:\n', 'jobs:\n\t- x\n', 'parses'],
  ]
  test.each(mistakes)('%s', async (_, name, find, replace, rule) => {
    const path = join(root, '.github/workflows', `${name}.yml`)
    const text = await readFile(path, 'utf8')
    expect(text).toContain(find)
    await writeFile(
      path,
      text.replace(find, () => replace),
    )
    const findings = await checkPipelines(sourcesIn(root))
    await writeFile(path, text)
    expect(findings.map((finding) => finding.rule)).toContain(`pipeline/${rule}`)
  })
})
