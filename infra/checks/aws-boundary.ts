import { at, type Json, textOf } from '../cloudformation.ts'
import type { Finding } from '../finding.ts'
import type { Sources } from '../sources.ts'
import { bootstrapOf } from './aws-deploy-role.ts'
import { covers, removing, unsettling } from './aws-destructive.ts'
import { type Statement, statementsOf } from './aws-iam-actions.ts'

const file = 'aws/infra/bootstrap/deploy-role.yml'

/** AWS Backup removes in the role that made them the backups that have had their time. */
const ofBackup = 'dynamodb:DeleteBackup'
/** Rights that no service needs, and by which a boundary is left. */
const leaves = ['iam:CreateRole', 'iam:PutRolePolicy', 'sts:AssumeRole']

const finding = (rule: string, problem: string, cure: string, where = file): Finding => ({
  file: where,
  rule: `aws/${rule}`,
  problem,
  cure,
})

/** What bounds the roles of a stage: every one of them, nothing that destroys, and all that they need. */
export async function checkAwsBoundary(sources: Sources): Promise<Finding[]> {
  const boundary = statementsOf(await bootstrapOf(sources)).filter(({ id }) => id === 'Boundary')
  const template = await sources.template()
  const needed = statementsOf(template)
    .filter(({ type, statement }) => type.startsWith('AWS::IAM::') && statement.Effect === 'Allow')
    .filter(({ statement }) => statement.Principal === undefined)
    .flatMap(({ actions }) => actions)
  const destructive = [...(await removing()), ...(await unsettling())].filter((action) => action !== ofBackup)
  const free = template.resources.filter(
    ({ type, properties }) => type === 'AWS::IAM::Role' && !isBounded(properties.PermissionsBoundary),
  )
  return [
    ...free.map(({ id }) => finding('role-unbounded', `${id} has no boundary`, 'give it that of every role', 'aws')),
    ...[...destructive, ...leaves]
      .filter((action) => permits(boundary, action))
      .map((action) => finding('boundary-destroys', `the boundary lets ${action} pass`, 'deny it')),
    ...[...new Set(needed)]
      .filter((action) => !permits(boundary, action))
      .map((action) => finding('boundary-lacks', `the boundary keeps ${action} from who needs it`, 'allow it')),
    ...placeFindings(boundary),
  ]
}

const isBounded = (value: Json | undefined): boolean =>
  JSON.stringify(at(value, 'Fn::If', 0)) === '"IsBounded"' &&
  textOf(at(value, 'Fn::If', 1, 'Fn::Sub')).endsWith(':policy/catamaran-dev-boundary')

/** Whether something of an action is let pass: what is denied in one place alone passes elsewhere. */
function permits(boundary: readonly Statement[], action: string): boolean {
  const meaning = boundary.filter(({ actions }) => actions.some((pattern) => covers(pattern, action)))
  const isDenied = meaning.some(
    ({ statement }) => statement.Effect === 'Deny' && statement.Resource === '*' && statement.Condition === undefined,
  )
  return !isDenied && meaning.some(({ statement }) => statement.Effect === 'Allow')
}

/** Records are removed by nobody, objects nowhere but where uploads wait. */
function placeFindings(boundary: readonly Statement[]): Finding[] {
  const denied = (action: string, ...path: string[]): string =>
    boundary
      .filter(({ statement, actions }) => statement.Effect === 'Deny' && actions.includes(action))
      .map(({ statement }) => JSON.stringify(at(statement, ...path)))
      .join()
  const records = ['dynamodb:DeleteItem', 'dynamodb:BatchWriteItem'].filter(
    (action) => !denied(action, 'Resource', 'Fn::Sub').endsWith(':table/catamaran-${Stage}-records"'),
  )
  return [
    ...records.map((action) => finding('boundary-destroys', `the boundary lets ${action} erase records`, 'deny it')),
    ...(denied('s3:DeleteObject', 'NotResource', 'Fn::Sub').endsWith(':catamaran-${Stage}-uploads-*/uploads/*"')
      ? []
      : [finding('boundary-destroys', 'the boundary lets objects be removed', 'deny it but for staged uploads')]),
  ]
}
