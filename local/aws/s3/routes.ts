import * as buckets from './buckets.ts'
import type { Operation } from './call.ts'
import * as listing from './listing.ts'
import * as multipart from './multipart.ts'
import * as objects from './objects.ts'
import * as settings from './object-settings.ts'

interface Route {
  readonly method: string
  readonly scope: 'service' | 'bucket' | 'object'
  /** Query members that must be present. */
  readonly query: readonly string[]
  /** A header that must be present. */
  readonly header?: string
  readonly run: Operation
}

const service = (method: string, run: Operation): Route => ({ method, scope: 'service', query: [], run })
const bucket = (method: string, query: string, run: Operation): Route => ({
  method,
  scope: 'bucket',
  query: query === '' ? [] : [query],
  run,
})
const object = (method: string, query: string, run: Operation, header?: string): Route => ({
  method,
  scope: 'object',
  query: query === '' ? [] : query.split('&'),
  ...(header ? { header } : {}),
  run,
})

const copyHeader = 'x-amz-copy-source'

/** The first that fits wins: the more particular stand first. */
const routes: readonly Route[] = [
  service('GET', buckets.listBuckets),
  bucket('GET', 'location', buckets.getLocation),
  bucket('GET', 'versioning', buckets.getVersioning),
  bucket('PUT', 'versioning', buckets.putVersioning),
  bucket('GET', 'cors', buckets.getCors),
  bucket('PUT', 'cors', buckets.putCors),
  bucket('DELETE', 'cors', buckets.deleteCors),
  bucket('GET', 'notification', buckets.getNotifications),
  bucket('PUT', 'notification', buckets.putNotifications),
  bucket('GET', 'object-lock', settings.getLockConfiguration),
  bucket('PUT', 'object-lock', settings.putLockConfiguration),
  bucket('PUT', 'tagging', buckets.putBucketTags),
  bucket('PUT', 'publicAccessBlock', settings.ignored),
  bucket('PUT', 'lifecycle', settings.ignored),
  bucket('PUT', 'encryption', settings.ignored),
  bucket('PUT', 'policy', settings.ignored),
  bucket('GET', 'versions', listing.listVersions),
  bucket('GET', 'uploads', listing.listUploads),
  bucket('GET', 'list-type', listing.listObjectsV2),
  bucket('POST', 'delete', buckets.deleteObjects),
  bucket('PUT', '', buckets.createBucket),
  bucket('HEAD', '', buckets.headBucket),
  bucket('DELETE', '', buckets.deleteBucket),
  bucket('GET', '', listing.listObjectsV1),
  object('POST', 'uploads', multipart.createUpload),
  object('PUT', 'partNumber&uploadId', multipart.uploadPartCopy, copyHeader),
  object('PUT', 'partNumber&uploadId', multipart.uploadPart),
  object('POST', 'uploadId', multipart.completeUpload),
  object('DELETE', 'uploadId', multipart.abortUpload),
  object('GET', 'uploadId', listing.listParts),
  object('GET', 'tagging', settings.getTags),
  object('PUT', 'tagging', settings.putTags),
  object('DELETE', 'tagging', settings.deleteTags),
  object('GET', 'retention', settings.getRetention),
  object('PUT', 'retention', settings.putRetention),
  object('GET', 'legal-hold', settings.getLegalHold),
  object('PUT', 'legal-hold', settings.putLegalHold),
  object('PUT', '', objects.copyObject, copyHeader),
  object('PUT', '', objects.putObject),
  object('GET', '', objects.getObject),
  object('HEAD', '', objects.getObject),
  object('DELETE', '', objects.deleteObject),
]

/** Members that name a sub-resource: a request for one that has no route is refused, not taken for the object. */
const unknownResources = [
  'acl',
  'attributes',
  'torrent',
  'restore',
  'select',
  'website',
  'replication',
  'logging',
  'policy',
]

export function findRoute(
  method: string,
  scope: Route['scope'],
  query: URLSearchParams,
  headers: Readonly<Record<string, string | undefined>>,
): Operation | undefined {
  const route = routes.find(
    (each) =>
      each.method === method &&
      each.scope === scope &&
      each.query.every((name) => query.has(name)) &&
      (each.header === undefined || headers[each.header] !== undefined),
  )
  const plain = route?.query.length === 0
  return plain && unknownResources.some((name) => query.has(name)) ? undefined : route?.run
}
