import { awsDeployMutations } from './aws-deploy.ts'
import { awsToolMutations } from './aws-tools.ts'
import { awsMutations } from './aws.ts'
import { azureGatewayMutations } from './azure-gateway.ts'
import { azureMutations } from './azure.ts'
import type { Mutation } from './mutation.ts'
import { releaseMutations } from './releases.ts'

export const allMutations: readonly Mutation[] = [
  ...awsMutations,
  ...awsDeployMutations,
  ...awsToolMutations,
  ...azureMutations,
  ...azureGatewayMutations,
  ...releaseMutations,
]
