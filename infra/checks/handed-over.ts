import { deploymentsOf } from '../bicep/deployments.ts'
import { objectOf, referenceOf } from '../cloudformation.ts'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'

const guides = ['docs/deploy.md', 'docs/sign-in.md', 'docs/logs.md', 'docs/pipelines.md'] as const

/** Every output that a guide hands over to the other cloud, or to a person, is one of the templates. */
export async function checkHandedOver(sources: Sources): Promise<Finding[]> {
  const template = await sources.template()
  const { most } = await deploymentsOf(sources)
  const made = new Set([...Object.keys(template.outputs), ...Object.keys(most.outputs)])
  const texts = await Promise.all(guides.map(async (file) => [file, await sources.text(file)] as const))
  const named = texts.flatMap(([file, text]) =>
    [...text.matchAll(/outputs? ((?:`\w+`(?:, | and )?)+)/g)].flatMap(([, names = '']) =>
      [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => ({ file, name })),
    ),
  )
  const lacking = named.filter(({ name }) => !made.has(name))
  const roles = template.resources
    .filter(({ type }) => type === 'AWS::Lambda::Function')
    .map(({ properties }) => referenceOf(properties.Role) ?? '')
  const told = JSON.stringify(objectOf(template.outputs.FunctionRoles))
  return [
    ...(named.length === 0 ? [finding(guides[0], 'no guide names an output', 'name those of The two together')] : []),
    ...lacking.map(({ file, name }) =>
      finding(file, `no template has the output ${name}`, 'correct it, or declare it'),
    ),
    ...roles
      .filter((role) => !told.includes(`"${role}"`))
      .map((role) =>
        finding('aws/infra/outputs.yml', `FunctionRoles lacks ${role}`, 'add it: the other site refuses it'),
      ),
  ]
}

const finding = (file: string, problem: string, cure: string): Finding => ({ file, rule: 'handed-over', problem, cure })
