import { randomBytes } from 'node:crypto'
import { isoTime, type S3Call, type S3State } from './call.ts'
import type { Bucket } from './model.ts'

export interface ObjectEvent {
  /** Such as `ObjectCreated:Put`. */
  readonly name: string
  readonly key: string
  readonly versionId: string
  readonly seq: number
  /** Absent for removals. */
  readonly bytes?: number
  readonly etag?: string
}

/** Keys in events are form-encoded: a space is a plus. */
export const eventKey = (key: string): string => encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/')

const isWanted = (pattern: string, name: string): boolean => {
  const wanted = pattern.replace(/^s3:/, '')
  return wanted.endsWith('*') ? name.startsWith(wanted.slice(0, -1)) : wanted === name
}

/** Puts the event into the outbox once for every matching queue. Call inside the transaction that changes the object. */
export function notify(call: S3Call, state: S3State, { name: bucket, settings }: Bucket, event: ObjectEvent): void {
  for (const { id, queueArn, events, prefix, suffix } of settings.notifications ?? []) {
    if (!events.some((pattern) => isWanted(pattern, event.name))) continue
    if (!event.key.startsWith(prefix) || !event.key.endsWith(suffix)) continue
    state.database.addToOutbox(queueArn, JSON.stringify({ Records: [recordOf(call, state, bucket, id, event)] }))
  }
}

function recordOf(call: S3Call, state: S3State, bucket: string, configurationId: string, event: ObjectEvent) {
  const versioned = event.versionId !== 'null'
  return {
    eventVersion: '2.1',
    eventSource: 'aws:s3',
    awsRegion: state.region,
    eventTime: isoTime(state.now()),
    eventName: event.name,
    userIdentity: { principalId: `AWS:${call.verified.accessKey}` },
    requestParameters: { sourceIPAddress: call.sourceIp },
    responseElements: { 'x-amz-request-id': call.requestId, 'x-amz-id-2': randomBytes(24).toString('base64') },
    s3: {
      s3SchemaVersion: '1.0',
      configurationId,
      bucket: { name: bucket, ownerIdentity: { principalId: 'LOCAL' }, arn: `arn:aws:s3:::${bucket}` },
      object: {
        key: eventKey(event.key),
        ...(event.bytes === undefined ? {} : { size: event.bytes, eTag: event.etag }),
        ...(versioned ? { versionId: event.versionId } : {}),
        sequencer: event.seq.toString(16).toUpperCase().padStart(18, '0'),
      },
    },
  }
}

/** What S3 sends when a notification is configured, to show that it can. */
export const testEvent = (call: S3Call, state: S3State): string =>
  JSON.stringify({
    Service: 'Amazon S3',
    Event: 's3:TestEvent',
    Time: isoTime(state.now()),
    Bucket: call.bucket,
    RequestId: call.requestId,
    HostId: randomBytes(24).toString('base64'),
  })
