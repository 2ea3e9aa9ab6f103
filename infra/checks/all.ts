import type { Check } from '../finding.ts'
import { checkAwsIamActions } from './aws-iam-actions.ts'
import { checkAwsRoles } from './aws-roles.ts'
import { checkAwsProperties } from './aws-properties.ts'
import { checkAwsSchema } from './aws-schema.ts'
import { azureChecks } from './azure.ts'

export const checks: readonly Check[] = [
  {
    name: 'aws-schema',
    cloud: 'aws',
    says: "the packaged template against CloudFormation's schemas and cfn-lint's rules",
    run: checkAwsSchema,
  },
  {
    name: 'aws-iam-actions',
    cloud: 'aws',
    says: 'every action in a policy exists',
    run: checkAwsIamActions,
  },
  {
    name: 'aws-roles',
    cloud: 'aws',
    says: 'a role for each function, nothing wild, nothing that destroys',
    run: checkAwsRoles,
  },
  {
    name: 'aws-properties',
    cloud: 'aws',
    says: 'what every table, bucket, queue, function and log must have',
    run: checkAwsProperties,
  },
  ...azureChecks,
]
