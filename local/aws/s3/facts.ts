import type { S3Call } from './call.ts'
import type { Bucket, ObjectFacts, ObjectLock, Tag, Version } from './model.ts'
import { S3Error } from './errors.ts'

const systemHeaders = ['cache-control', 'content-disposition', 'content-language', 'expires'] as const
const userPrefix = 'x-amz-meta-'
const userBytesMax = 2048
const tagsMax = 10

/** What the request's headers say of the object to be. Throws `MetadataTooLarge`. */
export function factsOf({ headers }: S3Call): ObjectFacts {
  const system: Record<string, string> = {}
  for (const name of systemHeaders) {
    const value = headers[name]
    if (value !== undefined) system[name] = value
  }
  const encoding = (headers['content-encoding'] ?? '')
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'aws-chunked')
  if (encoding.length > 0) system['content-encoding'] = encoding.join(',')
  const user: Record<string, string> = {}
  let userBytes = 0
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(userPrefix) || value === undefined) continue
    user[name.slice(userPrefix.length)] = value
    userBytes += name.length - userPrefix.length + value.length
  }
  if (userBytes > userBytesMax) throw new S3Error('MetadataTooLarge')
  return { contentType: headers['content-type'] ?? 'binary/octet-stream', system, user }
}

/** The `x-amz-tagging` header: a query string. */
export function tagsOf({ headers }: S3Call): Tag[] {
  return checkTags([...new URLSearchParams(headers['x-amz-tagging'] ?? '')].map(([key, value]) => ({ key, value })))
}

export function checkTags(tags: readonly Tag[]): Tag[] {
  const names = new Set(tags.map((tag) => tag.key))
  if (names.size !== tags.length) throw new S3Error('InvalidTag', 'Cannot provide multiple Tags with the same key')
  if (tags.length > tagsMax) throw new S3Error('InvalidTag', 'Object tags cannot be greater than 10')
  if (tags.some((tag) => tag.key === '' || tag.key.length > 128 || tag.value.length > 256))
    throw new S3Error('InvalidTag')
  return [...tags]
}

const dayMs = 24 * 3600 * 1000

/** Lock headers, or the bucket's default retention. Throws `InvalidRequest`, `InvalidArgument`. */
export function lockOf({ headers }: S3Call, { settings }: Bucket, nowMs: number): ObjectLock {
  const mode = headers['x-amz-object-lock-mode']
  const until = headers['x-amz-object-lock-retain-until-date']
  const hold = headers['x-amz-object-lock-legal-hold']
  if (mode === undefined && until === undefined && hold === undefined) {
    const { retention } = settings
    return retention ? { mode: retention.mode, retainUntilMs: nowMs + retention.days * dayMs } : {}
  }
  if (!settings.objectLock) throw new S3Error('InvalidRequest', 'Bucket is missing Object Lock Configuration')
  return { ...(mode || until ? retentionOf(mode, until, nowMs) : {}), legalHold: hold === 'ON' }
}

export function retentionOf(mode: string | undefined, until: string | undefined, nowMs: number) {
  const retainUntilMs = Date.parse(until ?? '')
  if ((mode !== 'GOVERNANCE' && mode !== 'COMPLIANCE') || Number.isNaN(retainUntilMs)) {
    throw new S3Error('InvalidArgument', 'Retention needs a mode and a date')
  }
  if (retainUntilMs <= nowMs) throw new S3Error('InvalidArgument', 'The retain until date must be in the future!')
  return { mode, retainUntilMs }
}

/** Throws `AccessDenied` when the version's lock forbids removing it. */
export function checkRemovable({ lock }: Version, bypassGovernance: boolean, nowMs: number): void {
  const retained = (lock.retainUntilMs ?? 0) > nowMs && !(lock.mode === 'GOVERNANCE' && bypassGovernance)
  if (retained || lock.legalHold) {
    throw new S3Error('AccessDenied', 'Access Denied because object protected by object lock.')
  }
}
