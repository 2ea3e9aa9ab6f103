import type { Check } from '../finding.ts'
import { checkAlarms } from './alarms.ts'
import { checkAwsAlarms } from './aws-alarms.ts'
import { checkAwsApi } from './aws-api.ts'
import { checkAwsBoundary } from './aws-boundary.ts'
import { checkAwsCanary } from './aws-canary.ts'
import { checkAwsGrants } from './aws-grants.ts'
import { checkAwsGuard } from './aws-guard.ts'
import { checkAwsIamActions } from './aws-iam-actions.ts'
import { checkAwsNag } from './aws-nag.ts'
import { checkAwsRoles } from './aws-roles.ts'
import { checkAwsNatives } from './aws-natives.ts'
import { checkAwsProperties } from './aws-properties.ts'
import { checkAwsSchema } from './aws-schema.ts'
import { checkAwsStages } from './aws-stages.ts'
import { checkAwsTrust } from './aws-trust.ts'
import { azureChecks } from './azure.ts'
import { checkAwsDashboard } from './aws-dashboard.ts'
import { checkAwsDeployRole } from './aws-deploy-role.ts'
import { checkGrafana } from './grafana.ts'
import { checkHandedOver } from './handed-over.ts'
import { checkPipelines } from './pipelines.ts'
import { checkRollbacks } from './rollbacks.ts'
import { checkStageVariables } from './stage-variables.ts'

export const checks: readonly Check[] = [
  {
    name: 'aws-schema',
    cloud: 'aws',
    says: "the packaged template against CloudFormation's schemas and cfn-lint's rules",
    slow: true,
    run: checkAwsSchema,
  },
  {
    name: 'aws-guard',
    cloud: 'aws',
    says: 'the packaged template against rules of our own, by cfn-guard',
    slow: true,
    run: checkAwsGuard,
  },
  {
    name: 'aws-nag',
    cloud: 'aws',
    says: 'the packaged template as cdk-nag sees it, but for what is suppressed in writing',
    slow: true,
    run: checkAwsNag,
  },
  {
    name: 'aws-iam-actions',
    cloud: 'aws',
    says: 'every action in a policy exists',
    slow: true,
    run: checkAwsIamActions,
  },
  {
    name: 'aws-roles',
    cloud: 'aws',
    says: 'a role for each function, nothing wild, nothing that destroys',
    run: checkAwsRoles,
  },
  {
    name: 'aws-grants',
    cloud: 'aws',
    says: "roles grant what the adapters' calls need, and nothing that no call needs",
    run: checkAwsGrants,
  },
  {
    name: 'aws-trust',
    cloud: 'aws',
    says: 'who comes from the other cloud shows one subject and one audience, and reads logs alone',
    run: checkAwsTrust,
  },
  {
    name: 'aws-properties',
    cloud: 'aws',
    says: 'what stores, functions, gateways, people, backups and names must have',
    run: checkAwsProperties,
  },
  {
    name: 'aws-natives',
    cloud: 'aws',
    says: 'the zip of the function that converts holds its binaries, and no other does',
    run: checkAwsNatives,
  },
  {
    name: 'aws-api',
    cloud: 'aws',
    says: 'the gateway knows every route of the API',
    slow: true,
    run: checkAwsApi,
  },
  {
    name: 'aws-canary',
    cloud: 'aws',
    says: 'a new version of the API gets few calls first, and none when an alarm rings',
    run: checkAwsCanary,
  },
  {
    name: 'rollbacks',
    cloud: 'both',
    says: 'what is to bring a new version back rings while it is watched',
    run: checkRollbacks,
  },
  {
    name: 'aws-deploy-role',
    cloud: 'aws',
    says: 'one environment of one repository deploys, one person makes stores, and neither removes what holds data',
    run: checkAwsDeployRole,
  },
  {
    name: 'aws-stages',
    cloud: 'aws',
    says: "no stage's roles reach another whose name begins the same",
    run: checkAwsStages,
  },
  {
    name: 'aws-boundary',
    cloud: 'aws',
    says: 'every role is bounded, by what lets nothing pass that destroys and all that is needed',
    run: checkAwsBoundary,
  },
  {
    name: 'alarms',
    cloud: 'both',
    says: 'alarms watch figures that are sent, say why, and have a runbook',
    run: checkAlarms,
  },
  {
    name: 'aws-alarms',
    cloud: 'aws',
    says: 'AWS has every alarm, with its figures',
    run: checkAwsAlarms,
  },
  {
    name: 'aws-dashboard',
    cloud: 'aws',
    says: 'the dashboard shows figures that are sent, and every function',
    run: checkAwsDashboard,
  },
  {
    name: 'grafana',
    cloud: 'both',
    says: 'the dashboard shows every figure that is sent, of both sites, with the alarms',
    run: checkGrafana,
  },
  {
    name: 'pipelines',
    cloud: 'both',
    says: 'workflows run what is pinned, may little, hold no key, and name only what exists',
    run: checkPipelines,
  },
  {
    name: 'handed-over',
    cloud: 'both',
    says: 'the outputs that the guides hand over to the other cloud are there',
    run: checkHandedOver,
  },
  {
    name: 'stage-variables',
    cloud: 'both',
    says: 'what the templates read is passed on by the pipeline, and told in the guides',
    run: checkStageVariables,
  },
  ...azureChecks,
]
