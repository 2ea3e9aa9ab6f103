import { at, listOf, textOf } from '../cloudformation.ts'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'
import { bootstrapOf } from './aws-deploy-role.ts'
import { statementsOf } from './aws-iam-actions.ts'

const file = 'aws/infra/bootstrap/deploy-role.yml'
const plugin = 'infra/framework/stage-name.cjs'

const finding = (problem: string, cure: string, where = file): Finding => ({
  file: where,
  rule: 'aws/stage-reach',
  problem,
  cure,
})

/** That no role of a stage reaches another one whose name begins the same: what ends a stage's name is in none of them. */
export async function checkAwsStages(sources: Sources): Promise<Finding[]> {
  const bootstrap = await bootstrapOf(sources)
  const pattern = textOf(at(bootstrap.parameters, 'Stage', 'AllowedPattern'))
  const isSame = (await sources.text(plugin)).includes(`/^${pattern}$/`)
  const isAsked = (await sources.text('serverless.yml')).includes(`- ./${plugin}\n`)
  const named = statementsOf(bootstrap)
    .flatMap(({ statement }) => [...listOf(statement.Resource), ...listOf(statement.NotResource)])
    .map((resource) => textOf(at(resource, 'Fn::Sub')))
  return [
    ...(new RegExp(`^(?:${pattern})$`).test('dev-x')
      ? [finding('a stage `dev-x` is within the reach of `dev`', 'let no name of a stage hold a hyphen')]
      : []),
    ...(isSame ? [] : [finding('it takes names that the roles do not', `write /^${pattern}$/`, plugin)]),
    ...(isAsked ? [] : [finding('a stage may have any name', `list the plugin ./${plugin}`, 'serverless.yml')]),
    ...named
      .filter((arn) => arn.includes('${Stage}') && !isOfOneStage(arn))
      .map((arn) => finding(`${arn} is other stages', too`, 'end the name by a hyphen, a slash or nothing')),
  ]
}

/** Nothing stands for any text before the stage's name, and what follows is in no stage's name. */
const isOfOneStage = (arn: string): boolean => /^[^*?]*\$\{Stage\}(?:[-/:]|$)/.test(arn)
