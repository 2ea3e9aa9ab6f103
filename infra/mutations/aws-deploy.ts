import type { Mutation } from './mutation.ts'

const role = 'aws/infra/bootstrap/deploy-role.yml'

const mistake = (name: string, find: string, replace: string, file = role): Mutation => ({
  name,
  cloud: 'aws',
  file,
  find,
  replace,
})

/** Mistakes in who deploys, and in what bounds the roles that are made. */
export const awsDeployMutations: readonly Mutation[] = [
  mistake('a pull request that deploys', ':environment:${Stage}', ':*'),
  mistake(
    'a deployment by any token',
    '              StringEquals:\n                token',
    '              StringLike:\n                token',
  ),
  mistake('a deployment that erases', '- dynamodb:Describe*', '- dynamodb:*'),
  mistake(
    'a deployment with all rights',
    'Effect: Deny\n            Action: iam:*',
    'Effect: Allow\n            Action: iam:*',
  ),
  mistake('a pipeline that lets versions expire', '- s3:PutBucketTagging', '- s3:PutLifecycleConfiguration'),
  mistake('a pipeline that unlocks buckets', '- s3:PutBucketCORS', "- 's3:PutBucket*'"),
  mistake('a pipeline that lets records expire', '- dynamodb:List*', '- dynamodb:UpdateTimeToLive'),
  mistake('a pipeline that shortens backups', '- backup:Describe*', "- 'backup:*Lifecycle'"),
  mistake('a pipeline that removes objects', '-serverless*/*', '-*/*'),
  mistake('a stage within the reach of another', "'[a-z][a-z0-9]{1,15}'", "'[a-z][a-z0-9-]{1,15}'"),
  mistake('a pipeline that reaches a longer name', 'dashboard/catamaran-${Stage}', 'dashboard/catamaran-${Stage}*'),
  mistake("a pipeline that reads other stages' logs", '/aws/lambda/catamaran-${Stage}-*', '*${Stage}-*'),
  mistake('a stage of any name', '  - ./infra/framework/stage-name.cjs\n', '', 'serverless.yml'),
  mistake('a keeper who erases', '- s3:PutBucketVersioning', '- s3:DeleteObjectVersion'),
  mistake('a keeper who is anybody', 'AWS: { Ref: Keeper }', "AWS: '*'"),
  mistake(
    'rights for roles without a boundary',
    'iam:PermissionsBoundary: { Ref: Boundary }',
    'iam:ResourceTag/stage: any',
  ),
  mistake('rights by a stray wildcard', 'Action: [iam:DeleteRole, ', "Action: ['iam:Put*', "),
  mistake('keys for anybody', "kms:GrantIsForAWSResource: 'true'", "kms:GrantIsForAWSResource: 'false'"),
  mistake(
    'a keeper whose rights a pipeline changes',
    '-${Stage}-keeper\n              - Fn',
    '-${Stage}-deploy\n              - Fn',
  ),
  mistake('a boundary that lets versions be erased', '              - s3:DeleteObjectVersion*\n', ''),
  mistake(
    'a boundary that lets a lifecycle erase',
    '              - s3:PutLifecycleConfiguration\n              - s3:PutObjectLegalHold\n',
    '',
  ),
  mistake(
    'a boundary that lets records be erased',
    '[dynamodb:BatchWriteItem, dynamodb:DeleteItem]',
    'dynamodb:BatchWriteItem',
  ),
  mistake('a boundary that lets objects be removed', 'uploads-*/uploads/*', '*/*'),
  mistake('a boundary that rights can leave', '- cloudwatch:Describe*', "- 'iam:*'"),
  mistake('a boundary that keeps functions from working', '- xray:Put*', '- xray:Get*'),
  mistake('a statement that IAM refuses', 'Sid: others', 'Sid: not-these'),
  mistake(
    'a role without a boundary',
    '  JobRole:\n    Type: AWS::IAM::Role\n    Properties:\n      PermissionsBoundary: ${file(aws/infra/role-boundary.yml)}\n',
    '  JobRole:\n    Type: AWS::IAM::Role\n    Properties:\n',
    'aws/infra/roles.yml',
  ),
]
