import type { Mutation } from './mutation.ts'

const mistakeOf =
  (cloud: Mutation['cloud']) =>
  (name: string, file: string, find: string, replace: string): Mutation => ({ name, cloud, file, find, replace })
const [aws, azure] = [mistakeOf('aws'), mistakeOf('azure')]
const canary = 'aws/infra/canary.yml'
const rollback = 'aws/infra/rollback-on.yml'
const workflow = '.github/workflows/deploy.yml'

/** In how a new version gets its calls, and goes back. */
export const releaseMutations: readonly Mutation[] = [
  aws('a version that nobody can go back to', 'serverless.yml', '  - ./infra/framework/canary.cjs\n', ''),
  aws(
    'a version for all at once',
    canary,
    '    UpdatePolicy:\n      CodeDeployLambda',
    '    Metadata:\n      CodeDeployLambda',
  ),
  aws('a canary that dies in silence', canary, 'DEPLOYMENT_STOP_ON_ALARM, ', ''),
  aws('a canary that no alarm watches', canary, '          - Name: { Ref: CanaryErrorsAlarm }\n', ''),
  aws('a canary that is over before an alarm rings', canary, 'Canary10Percent10Minutes', 'Canary10Percent5Minutes'),
  aws(
    'a canary whose calls are lost among all',
    canary,
    '                - { Name: ExecutedVersion, Value: $LATEST }\n',
    '',
  ),
  aws(
    'a canary that looks at the version before',
    canary,
    '[CanaryErrorsAlarm, CanaryLatencyAlarm, ',
    '[CanaryErrorsAlarm, ',
  ),
  aws(
    'a canary by figures of its own',
    canary,
    'figures.canary-latency.threshold}',
    'figures.canary-errors.threshold}',
  ),
  aws('a rollback that looks away', rollback, 'InMinutes: 10', 'InMinutes: 5'),
  aws('a rollback on an alarm that rings later', rollback, '-api-errors', '-function-errors'),
  aws('callers that pass the canary by', 'aws/infra/api.yml', '{ Ref: HttpLive }', '{ Ref: HttpLambdaFunction }'),
  aws('a setting that no version has', 'serverless.yml', "${env:EDGE_DOMAIN, 'own edge'}; ", ''),
  azure('a canary that needs longer than it has', 'infra/canary.json', 'ToAlarm": 3', 'ToAlarm": 8'),
  azure('a canary that looks at lines too soon', 'azure/infra/canary-query.json', 'Seconds": 300', 'Seconds": 60'),
  azure('a new version that nobody looks at', workflow, 'node scripts/azure-canary.ts', 'echo'),
  azure('a new version that stays whatever it does', workflow, " || steps.canary.outcome == 'failure'", ''),
]
