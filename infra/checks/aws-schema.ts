import { CelEngine, TemplateFile } from '@aws/cloudformation-validate'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'

/** What is said of nearly every template and no mistake of this one, each with its reason. */
const suppressed: Readonly<Record<string, string>> = {
  'F3014 EdgeDistribution': 'It does not follow an Fn::If that chooses between two kinds of certificate.',
  'W8003 IsLocked': 'The stage is known when the template is made, so that the condition is always one or the other.',
  'W8003 IsLasting': 'As above.',
  W3005: 'The framework writes DependsOn beside the reference to a role.',
}

const isSuppressed = (rule: string, id = ''): boolean => rule in suppressed || `${rule} ${id}` in suppressed

const worthSaying: ReadonlySet<string> = new Set(['FATAL', 'ERROR', 'WARN'])

let engine: InstanceType<typeof CelEngine> | undefined

/** The packaged template against CloudFormation's resource schemas and cfn-lint's rules, which come with the validator. */
export async function checkAwsSchema(sources: Sources): Promise<Finding[]> {
  const { path } = await sources.template()
  engine ??= new CelEngine()
  const { diagnostics, status } = engine.validateStandard(new TemplateFile(path))
  const findings = await Promise.all(
    diagnostics
      .filter(({ severity, ruleId, entity }) => worthSaying.has(severity) && !isSuppressed(ruleId, entity?.logicalId))
      .map(async ({ ruleId, message, entity, propertyPath, suggestedFix }) => ({
        file: await sources.fileOf(entity?.logicalId ?? ''),
        rule: `cfn/${ruleId}`,
        problem: [entity?.logicalId, propertyPath, message].filter(Boolean).join(': '),
        cure: suggestedFix ?? `see rule ${ruleId} of cfn-lint`,
      })),
  )
  if (status === 'OK') return findings
  const incomplete = { file: 'serverless.yml', rule: 'cfn/incomplete', problem: `The validator ended with ${status}` }
  return [...findings, { ...incomplete, cure: 'make the template smaller, or see its report' }]
}
