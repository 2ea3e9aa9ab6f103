import type { Mutation } from './mutation.ts'

const role = 'aws/infra/bootstrap/deploy-role.yml'

const mistake = (name: string, find: string, replace: string, file = role): Mutation => ({
  name,
  cloud: 'aws',
  file,
  find,
  replace,
})

/** Mistakes in what deploys, and in what bounds it. */
export const awsDeployMutations: readonly Mutation[] = [
  mistake('a pull request that deploys', ':environment:${Stage}', ':*'),
  mistake('a deployment by any token', '              StringEquals:', '              StringLike:'),
  mistake('a deployment that erases', '- dynamodb:Update*', '- dynamodb:*'),
  mistake('a deployment with all rights', 'Effect: Deny', 'Effect: Allow'),
]
