import type { Segment } from './blobs.ts'
import type { Checksum, ChecksumName } from './checksums.ts'

export type Versioning = 'Enabled' | 'Suspended'

export interface BucketSettings {
  readonly versioning?: Versioning
  readonly objectLock?: boolean
  /** Default retention for new versions. */
  readonly retention?: { readonly mode: string; readonly days: number }
  readonly cors?: readonly CorsRule[]
  readonly notifications?: readonly QueueNotification[]
  readonly tags?: readonly Tag[]
}

export interface CorsRule {
  readonly id?: string
  readonly origins: readonly string[]
  readonly methods: readonly string[]
  readonly headers: readonly string[]
  readonly expose: readonly string[]
  readonly maxAgeSeconds?: number
}

export interface QueueNotification {
  readonly id: string
  readonly queueArn: string
  readonly events: readonly string[]
  readonly prefix: string
  readonly suffix: string
}

export interface Tag {
  readonly key: string
  readonly value: string
}

export interface Bucket {
  readonly name: string
  readonly createdMs: number
  readonly settings: BucketSettings
}

export interface ObjectLock {
  readonly mode?: string
  readonly retainUntilMs?: number
  readonly legalHold?: boolean
}

/** What the client said of an object, given back as it was. */
export interface ObjectFacts {
  readonly contentType: string
  /** Cache-Control, Content-Disposition and such, by lower-case name. */
  readonly system: Readonly<Record<string, string>>
  /** `x-amz-meta-` headers without the prefix. */
  readonly user: Readonly<Record<string, string>>
}

export interface NewVersion {
  readonly bucket: string
  readonly key: string
  readonly versionId: string
  readonly deleteMarker: boolean
  readonly bytes: number
  /** Without quotes. */
  readonly etag: string
  readonly modifiedMs: number
  readonly segments: readonly Segment[]
  readonly facts: ObjectFacts
  readonly checksum?: Checksum
  readonly tags: readonly Tag[]
  readonly lock: ObjectLock
}

export interface Version extends NewVersion {
  readonly seq: number
  readonly latest: boolean
}

export interface Upload {
  readonly id: string
  readonly bucket: string
  readonly key: string
  readonly initiatedMs: number
  readonly facts: ObjectFacts
  readonly tags: readonly Tag[]
  readonly lock: ObjectLock
  readonly checksum?: { readonly name: ChecksumName; readonly type: Checksum['type'] }
  /** Set once the upload has become an object, so that completing it again answers the same. */
  readonly completed?: { readonly etag: string; readonly versionId: string; readonly parts: string }
}

export interface Part {
  readonly part: number
  readonly bytes: number
  readonly etag: string
  readonly modifiedMs: number
  readonly segment: Segment
  readonly checksum: { readonly name: ChecksumName; readonly value: string }
}

export interface OutboxEntry {
  readonly seq: number
  readonly queueArn: string
  readonly body: string
}
