import type { Finding } from '../finding.ts'
import { edgeRequirements } from '../rules/edge.ts'
import { functionRequirements } from '../rules/functions.ts'
import { logForwardingRequirements } from '../rules/log-forwarding.ts'
import { protectionRequirements } from '../rules/protection.ts'
import { failuresOf } from '../rules/requirement.ts'
import { routingRequirements } from '../rules/routing.ts'
import { storeRequirements } from '../rules/stores.ts'
import { upkeepRequirements } from '../rules/upkeep.ts'
import type { Sources } from '../sources.ts'

const requirements = [
  ...storeRequirements,
  ...functionRequirements,
  ...edgeRequirements,
  ...upkeepRequirements,
  ...logForwardingRequirements,
  ...protectionRequirements,
  ...routingRequirements,
]

/** What resources must have beyond what CloudFormation asks of them. */
export async function checkAwsProperties(sources: Sources): Promise<Finding[]> {
  const template = await sources.template()
  const findings = requirements.flatMap((requirement) =>
    failuresOf(requirement, template).map(async (id) => ({
      file: await sources.fileOf(id),
      rule: `aws/${requirement.rule}`,
      problem: `${id}: ${requirement.problem}`,
      cure: requirement.cure,
    })),
  )
  return Promise.all(findings)
}
