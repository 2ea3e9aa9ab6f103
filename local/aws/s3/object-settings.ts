import { bucketOf, isoTime, textOf, xmlAnswer, xmlOf, type Operation, type S3Call, type S3State } from './call.ts'
import type { BucketSettings, Tag, Version } from './model.ts'
import { S3Error } from './errors.ts'
import { checkTags, retentionOf } from './facts.ts'
import { findVersion, versionHeader } from './versions.ts'

function target(call: S3Call, state: S3State): Version {
  bucketOf(call, state)
  return findVersion(state, call.bucket, call.key, call.query.get('versionId') ?? undefined)
}

const changed = (call: S3Call, state: S3State, version: Version, status = 200) => {
  state.database.updateVersion(version)
  return { status, headers: versionHeader(version.versionId, bucketOf(call, state)) }
}

const tagSet = (tags: readonly Tag[]) => ({
  TagSet: { Tag: tags.map(({ key, value }) => ({ Key: key, Value: value })) },
})

export const getTags: Operation = (call, state) => xmlAnswer('Tagging', tagSet(target(call, state).tags))

export const putTags: Operation = async (call, state) => {
  const set = (await xmlOf(call, 'Tagging')).child('TagSet')?.children('Tag') ?? []
  const tags = checkTags(set.map((tag) => ({ key: tag.text('Key') ?? '', value: tag.text('Value') ?? '' })))
  return changed(call, state, { ...target(call, state), tags })
}

export const deleteTags: Operation = (call, state) => changed(call, state, { ...target(call, state), tags: [] }, 204)

const lockable = (call: S3Call, state: S3State): void => {
  if (!bucketOf(call, state).settings.objectLock) {
    throw new S3Error('InvalidRequest', 'Bucket is missing Object Lock Configuration')
  }
}

export const getRetention: Operation = (call, state) => {
  lockable(call, state)
  const { mode, retainUntilMs } = target(call, state).lock
  if (mode === undefined || retainUntilMs === undefined) throw new S3Error('NoSuchObjectLockConfiguration')
  return xmlAnswer('Retention', { Mode: mode, RetainUntilDate: isoTime(retainUntilMs) })
}

/** Compliance retention only grows; governance shrinks only with the bypass header. */
export const putRetention: Operation = async (call, state) => {
  lockable(call, state)
  const root = await xmlOf(call, 'Retention')
  const version = target(call, state)
  const wanted = retentionOf(root.text('Mode'), root.text('RetainUntilDate'), state.now())
  const { mode, retainUntilMs = 0 } = version.lock
  const shrinks =
    retainUntilMs > state.now() &&
    (wanted.retainUntilMs < retainUntilMs || (mode === 'COMPLIANCE' && wanted.mode !== mode))
  const bypass = call.headers['x-amz-bypass-governance-retention'] === 'true' && mode === 'GOVERNANCE'
  if (shrinks && !bypass) {
    throw new S3Error('AccessDenied', 'Access Denied because object protected by object lock.')
  }
  return changed(call, state, { ...version, lock: { ...version.lock, ...wanted } })
}

export const getLegalHold: Operation = (call, state) => {
  lockable(call, state)
  return xmlAnswer('LegalHold', { Status: target(call, state).lock.legalHold ? 'ON' : 'OFF' })
}

export const putLegalHold: Operation = async (call, state) => {
  lockable(call, state)
  const status = (await xmlOf(call, 'LegalHold')).text('Status')
  if (status !== 'ON' && status !== 'OFF') throw new S3Error('MalformedXML')
  const version = target(call, state)
  return changed(call, state, { ...version, lock: { ...version.lock, legalHold: status === 'ON' } })
}

export const getLockConfiguration: Operation = (call, state) => {
  const { objectLock, retention } = bucketOf(call, state).settings
  if (!objectLock) throw new S3Error('ObjectLockConfigurationNotFoundError')
  return xmlAnswer('ObjectLockConfiguration', {
    ObjectLockEnabled: 'Enabled',
    Rule: retention && { DefaultRetention: { Mode: retention.mode, Days: retention.days } },
  })
}

export const putLockConfiguration: Operation = async (call, state) => {
  const root = await xmlOf(call, 'ObjectLockConfiguration')
  const bucket = bucketOf(call, state)
  if (bucket.settings.versioning !== 'Enabled') {
    throw new S3Error(
      'InvalidBucketState',
      "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
    )
  }
  const rule = root.child('Rule')?.child('DefaultRetention')
  const { retention: _old, ...kept } = bucket.settings
  const days = Number(rule?.text('Days') ?? 365 * Number(rule?.text('Years')))
  if (rule && !(days > 0)) throw new S3Error('MalformedXML')
  const settings: BucketSettings = {
    ...kept,
    objectLock: true,
    ...(rule ? { retention: { mode: rule.text('Mode') ?? 'GOVERNANCE', days } } : {}),
  }
  state.database.saveBucket({ ...bucket, settings })
  return {}
}

/** What real buckets have and nothing here depends on: accepted, so that general tools work. */
export const ignored: Operation = async (call, state) => {
  bucketOf(call, state)
  await textOf(call)
  return {}
}
