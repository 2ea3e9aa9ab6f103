import { App, CfnResource, Stack } from 'aws-cdk-lib'
import { CfnInclude } from 'aws-cdk-lib/cloudformation-include'
import { AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks } from 'cdk-nag'

/** What cdk-nag says of one resource of a template. */
export interface Nag {
  /** With what exactly was found, where the rule says so: `AwsSolutions-IAM5[Resource::*]`. */
  readonly rule: string
  readonly logicalId: string
  readonly says: string
}

/** What cdk-nag says when a rule breaks off, for example at a `Ref` where it wants a number. */
const brokeOff = 'Rule threw an error during validation.'

/**
 * A packaged template, given by its path, as cdk-nag's packs see it. Each resource is asked about by itself: asked
 * about all at once, a pack tells of a rule that broke off in the words of the first resource that failed it.
 * A rule that broke off is named `CdkNagValidationFailure[RULE]`, so that nothing which excuses the rule excuses that.
 */
export function nagsOf(templatePath: string): Nag[] {
  const app = new App()
  const stack = new Stack(app, 'Packaged')
  new CfnInclude(stack, 'Template', { templateFile: templatePath })
  const resources = stack.node.findAll().filter((node) => CfnResource.isCfnResource(node))
  const packs = [AwsSolutionsChecks, ServerlessChecks, NIST80053R5Checks].map(
    (Pack) => new Pack(undefined, { verbose: true }),
  )
  return packs.flatMap((pack) =>
    resources.flatMap((resource) =>
      pack.validateScope(resource).violations.map(({ ruleName, description }) => ({
        rule: description.startsWith(brokeOff) ? `CdkNagValidationFailure[${ruleName}]` : ruleName,
        logicalId: resource.node.id,
        says: description,
      })),
    ),
  )
}
