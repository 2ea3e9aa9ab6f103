import { bucketOf, isoTime, textOf, xmlAnswer, xmlOf, type Operation } from './call.ts'
import type { S3State } from './call.ts'
import type { Bucket, BucketSettings, CorsRule, QueueNotification } from './model.ts'
import { S3Error } from './errors.ts'
import { testEvent } from './events.ts'
import { checkTags } from './facts.ts'
import { removeObject } from './versions.ts'
import type { XmlNode } from './xml.ts'

const bucketName = /^(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/
const deletesMax = 1000
const corsMethods = ['GET', 'PUT', 'POST', 'DELETE', 'HEAD']

const change = (state: S3State, bucket: Bucket, settings: BucketSettings): void =>
  state.database.saveBucket({ ...bucket, settings: { ...bucket.settings, ...settings } })

export const listBuckets: Operation = (_call, { database }) =>
  xmlAnswer('ListAllMyBucketsResult', {
    Owner: { ID: 'local', DisplayName: 'local' },
    Buckets: {
      Bucket: database.buckets().map(({ name, createdMs }) => ({ Name: name, CreationDate: isoTime(createdMs) })),
    },
  })

export const createBucket: Operation = async (call, { database, now }) => {
  await textOf(call)
  if (!bucketName.test(call.bucket) || call.bucket.includes('..')) {
    throw new S3Error('InvalidBucketName', undefined, { BucketName: call.bucket })
  }
  if (database.bucket(call.bucket)) throw new S3Error('BucketAlreadyOwnedByYou', undefined, { BucketName: call.bucket })
  const objectLock = call.headers['x-amz-bucket-object-lock-enabled']?.toLowerCase() === 'true'
  const settings: BucketSettings = objectLock ? { objectLock, versioning: 'Enabled' } : {}
  database.saveBucket({ name: call.bucket, createdMs: now(), settings })
  return { headers: { location: `/${call.bucket}` } }
}

export const headBucket: Operation = (call, state) => {
  bucketOf(call, state)
  return { headers: { 'x-amz-bucket-region': state.region } }
}

export const deleteBucket: Operation = (call, state) => {
  bucketOf(call, state)
  if (!state.database.isEmpty(call.bucket)) throw new S3Error('BucketNotEmpty', undefined, { BucketName: call.bucket })
  state.database.removeBucket(call.bucket)
  return { status: 204 }
}

export const getLocation: Operation = (call, state) => {
  bucketOf(call, state)
  return xmlAnswer('LocationConstraint', {})
}

export const getVersioning: Operation = (call, state) =>
  xmlAnswer('VersioningConfiguration', { Status: bucketOf(call, state).settings.versioning })

export const putVersioning: Operation = async (call, state) => {
  const status = (await xmlOf(call, 'VersioningConfiguration')).text('Status')
  const bucket = bucketOf(call, state)
  if (status !== 'Enabled' && status !== 'Suspended') throw new S3Error('MalformedXML')
  if (bucket.settings.objectLock && status === 'Suspended') {
    throw new S3Error('InvalidBucketState', 'An Object Lock configuration is present: versioning cannot be suspended.')
  }
  change(state, bucket, { versioning: status })
  return {}
}

const corsRuleOf = (node: XmlNode): CorsRule => {
  const [id, age] = [node.text('ID'), node.text('MaxAgeSeconds')]
  const rule = {
    origins: node.texts('AllowedOrigin'),
    methods: node.texts('AllowedMethod'),
    headers: node.texts('AllowedHeader'),
    expose: node.texts('ExposeHeader'),
    ...(id === undefined ? {} : { id }),
    ...(age === undefined ? {} : { maxAgeSeconds: Number(age) }),
  }
  const unknown = rule.methods.find((method) => !corsMethods.includes(method))
  if (unknown)
    throw new S3Error(
      'InvalidRequest',
      `Found unsupported HTTP method in CORS config. Unsupported method is ${unknown}`,
    )
  if (rule.origins.length === 0 || rule.methods.length === 0) throw new S3Error('MalformedXML')
  return rule
}

export const putCors: Operation = async (call, state) => {
  const rules = (await xmlOf(call, 'CORSConfiguration')).children('CORSRule').map(corsRuleOf)
  if (rules.length === 0) throw new S3Error('MalformedXML')
  change(state, bucketOf(call, state), { cors: rules })
  return {}
}

export const getCors: Operation = (call, state) => {
  const { cors } = bucketOf(call, state).settings
  if (!cors?.length) throw new S3Error('NoSuchCORSConfiguration', undefined, { BucketName: call.bucket })
  const rules = cors.map((rule) => ({
    ID: rule.id,
    AllowedOrigin: rule.origins,
    AllowedMethod: rule.methods,
    AllowedHeader: rule.headers,
    ExposeHeader: rule.expose,
    MaxAgeSeconds: rule.maxAgeSeconds,
  }))
  return xmlAnswer('CORSConfiguration', { CORSRule: rules })
}

export const deleteCors: Operation = (call, state) => {
  change(state, bucketOf(call, state), { cors: [] })
  return { status: 204 }
}

function notificationOf(node: XmlNode, index: number): QueueNotification {
  const rules = node.child('Filter')?.child('S3Key')?.children('FilterRule') ?? []
  const rule = (name: string) => rules.find((each) => each.text('Name')?.toLowerCase() === name)?.text('Value') ?? ''
  const queueArn = node.text('Queue') ?? ''
  const events = node.texts('Event')
  if (!queueArn.startsWith('arn:aws:sqs:') || events.length === 0) {
    throw new S3Error('InvalidArgument', 'Unable to validate the following destination configurations')
  }
  return {
    id: node.text('Id') ?? `queue-${index + 1}`,
    queueArn,
    events,
    prefix: rule('prefix'),
    suffix: rule('suffix'),
  }
}

export const putNotifications: Operation = async (call, state) => {
  const root = await xmlOf(call, 'NotificationConfiguration')
  if (root.child('TopicConfiguration') || root.child('CloudFunctionConfiguration')) {
    throw new S3Error('NotImplemented', 'Only queue destinations are known here.')
  }
  const notifications = root.children('QueueConfiguration').map(notificationOf)
  const bucket = bucketOf(call, state)
  state.database.transaction(() => {
    change(state, bucket, { notifications })
    for (const { queueArn } of notifications) state.database.addToOutbox(queueArn, testEvent(call, state))
  })
  state.wakeOutbox()
  return {}
}

export const getNotifications: Operation = (call, state) => {
  const { notifications = [] } = bucketOf(call, state).settings
  const configurations = notifications.map(({ id, queueArn, events, prefix, suffix }) => {
    const rules = Object.entries({ prefix, suffix }).filter(([, value]) => value !== '')
    const filter = { S3Key: { FilterRule: rules.map(([name, value]) => ({ Name: name, Value: value })) } }
    return { Id: id, Queue: queueArn, Event: events, Filter: rules.length > 0 ? filter : undefined }
  })
  return xmlAnswer('NotificationConfiguration', { QueueConfiguration: configurations })
}

export const putBucketTags: Operation = async (call, state) => {
  const set = (await xmlOf(call, 'Tagging')).child('TagSet')?.children('Tag') ?? []
  const tags = checkTags(set.map((tag) => ({ key: tag.text('Key') ?? '', value: tag.text('Value') ?? '' })))
  change(state, bucketOf(call, state), { tags })
  return { status: 204 }
}

export const deleteObjects: Operation = async (call, state) => {
  const root = await xmlOf(call, 'Delete')
  bucketOf(call, state)
  const quiet = root.text('Quiet') === 'true'
  const wanted = root.children('Object')
  if (wanted.length === 0 || wanted.length > deletesMax) throw new S3Error('MalformedXML')
  const deleted = []
  const errors = []
  for (const item of wanted) {
    const [key, versionId] = [item.text('Key') ?? '', item.text('VersionId')]
    try {
      const removed = removeObject(call, state, key, versionId)
      deleted.push({
        Key: key,
        VersionId: versionId,
        DeleteMarker: removed.deleteMarker ? true : undefined,
        DeleteMarkerVersionId: removed.deleteMarker ? removed.versionId : undefined,
      })
    } catch (error) {
      const { code, message } = error as S3Error
      errors.push({ Key: key, VersionId: versionId, Code: code, Message: message })
    }
  }
  return xmlAnswer('DeleteResult', { Deleted: quiet ? undefined : deleted, Error: errors })
}
