import { randomBytes } from 'node:crypto'
import type { S3Call, S3State } from './call.ts'
import { checkWrite } from './conditions.ts'
import type { Bucket, NewVersion, Version } from './model.ts'
import { S3Error } from './errors.ts'
import { notify } from './events.ts'
import { checkRemovable } from './facts.ts'

export type Draft = Omit<NewVersion, 'bucket' | 'versionId' | 'modifiedMs'>

export interface Committed {
  readonly versionId: string
  readonly modifiedMs: number
}

/** Headers name a version only where versioning is or was on. */
export const versionHeader = (versionId: string, { settings }: Bucket): { 'x-amz-version-id'?: string } =>
  settings.versioning === undefined ? {} : { 'x-amz-version-id': versionId }

/**
 * Makes `draft` the current version, with its events, in one commit. `also` runs in the same commit.
 * Throws `PreconditionFailed` when the request's conditions do not hold.
 */
export function commitVersion(
  call: S3Call,
  state: S3State,
  draft: Draft,
  eventName: string,
  also: (committed: Committed) => void = () => {},
): Committed {
  const { database, blobs } = state
  const committed = { versionId: '', modifiedMs: state.now() }
  const replaced = database.transaction(() => {
    const bucket = database.bucket(call.bucket)
    if (!bucket) throw new S3Error('NoSuchBucket')
    checkWrite(call, database.latest(bucket.name, draft.key))
    const keepsOld = bucket.settings.versioning === 'Enabled'
    committed.versionId = keepsOld ? newVersionId() : 'null'
    const old = keepsOld ? undefined : database.version(bucket.name, draft.key, 'null')
    if (old) database.removeVersion(old)
    const seq = database.addVersion({ ...draft, ...committed, bucket: bucket.name })
    const { key, bytes, etag } = draft
    notify(call, state, bucket, { name: eventName, key, bytes, etag, versionId: committed.versionId, seq })
    also(committed)
    return old
  })
  if (replaced) blobs.remove(replaced.segments)
  state.wakeOutbox()
  return committed
}

export interface Removed {
  readonly versionId?: string
  readonly deleteMarker: boolean
}

/** Removes a version for good, or hides the key behind a delete marker, as the bucket's versioning says. */
export function removeObject(call: S3Call, state: S3State, key: string, versionId: string | undefined): Removed {
  const { database, blobs } = state
  const { removed, answer } = database.transaction(() => {
    const bucket = database.bucket(call.bucket)
    if (!bucket) throw new S3Error('NoSuchBucket')
    return versionId === undefined
      ? removeCurrent(call, state, bucket, key)
      : removeOne(call, state, bucket, key, versionId)
  })
  if (removed) blobs.remove(removed.segments)
  state.wakeOutbox()
  return answer
}

interface Removal {
  readonly removed?: Version | undefined
  readonly answer: Removed
}

function removeOne(call: S3Call, state: S3State, bucket: Bucket, key: string, versionId: string): Removal {
  const version = state.database.version(bucket.name, key, versionId)
  if (!version) return { answer: { versionId, deleteMarker: false } }
  checkRemovable(version, call.headers['x-amz-bypass-governance-retention'] === 'true', state.now())
  state.database.removeVersion(version)
  notify(call, state, bucket, { name: 'ObjectRemoved:Delete', key, versionId, seq: version.seq })
  return { removed: version, answer: { versionId, deleteMarker: version.deleteMarker } }
}

function removeCurrent(call: S3Call, state: S3State, bucket: Bucket, key: string): Removal {
  const { database } = state
  const { versioning } = bucket.settings
  const old = versioning === 'Enabled' ? undefined : database.version(bucket.name, key, 'null')
  if (call.headers['if-match'] !== undefined) checkWrite(call, database.latest(bucket.name, key))
  if (old) database.removeVersion(old)
  if (versioning === undefined) {
    if (old) notify(call, state, bucket, { name: 'ObjectRemoved:Delete', key, versionId: 'null', seq: old.seq })
    return { removed: old, answer: { deleteMarker: false } }
  }
  const versionId = versioning === 'Enabled' ? newVersionId() : 'null'
  const seq = database.addVersion(deleteMarker(bucket.name, key, versionId, state.now()))
  notify(call, state, bucket, { name: 'ObjectRemoved:DeleteMarkerCreated', key, versionId, seq })
  return { removed: old, answer: { versionId, deleteMarker: true } }
}

const deleteMarker = (bucket: string, key: string, versionId: string, modifiedMs: number): NewVersion => ({
  bucket,
  key,
  versionId,
  deleteMarker: true,
  bytes: 0,
  etag: '',
  modifiedMs,
  segments: [],
  facts: { contentType: '', system: {}, user: {} },
  tags: [],
  lock: {},
})

/** The version a read means. Throws `NoSuchKey`, `NoSuchVersion`, `MethodNotAllowed` for a delete marker. */
export function findVersion(
  { database }: S3State,
  bucket: string,
  key: string,
  versionId: string | undefined,
): Version {
  const version = versionId === undefined ? database.latest(bucket, key) : database.version(bucket, key, versionId)
  if (!version) {
    if (versionId === undefined) throw new S3Error('NoSuchKey', undefined, { Key: key })
    throw new S3Error('NoSuchVersion', undefined, { Key: key, VersionId: versionId })
  }
  if (!version.deleteMarker) return version
  const headers = { 'x-amz-delete-marker': 'true', 'x-amz-version-id': version.versionId }
  if (versionId === undefined) throw new S3Error('NoSuchKey', undefined, { Key: key }, headers)
  throw new S3Error('MethodNotAllowed', undefined, {}, { ...headers, allow: 'DELETE' })
}

const newVersionId = (): string => randomBytes(24).toString('base64url')
