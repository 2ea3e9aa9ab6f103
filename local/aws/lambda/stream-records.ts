import type { _Record, AttributeValue } from '@aws-sdk/client-dynamodb-streams'

/** A stream record as Lambda's event carries it. */
export interface LambdaRecord {
  readonly eventID: string
  readonly eventSourceARN: string
  readonly dynamodb: { readonly SequenceNumber: string; readonly ApproximateCreationDateTime: number } & Record<
    string,
    unknown
  >
  readonly [name: string]: unknown
}

/** Binary values travel in base64. */
function plain(value: AttributeValue): unknown {
  if (value.B) return { B: Buffer.from(value.B).toString('base64') }
  if (value.BS) return { BS: value.BS.map((bytes) => Buffer.from(bytes).toString('base64')) }
  if (value.L) return { L: value.L.map(plain) }
  if (value.M) return { M: plainAll(value.M) }
  return value
}

const plainAll = (values: Readonly<Record<string, AttributeValue>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, plain(value)]))

export function lambdaRecord(record: _Record, streamArn: string): LambdaRecord {
  const { eventID = '', eventName, eventVersion = '1.1', dynamodb = {} } = record
  const { Keys, NewImage, OldImage } = dynamodb
  return {
    eventID,
    eventName,
    eventVersion,
    eventSource: 'aws:dynamodb',
    awsRegion: streamArn.split(':')[3],
    dynamodb: {
      ApproximateCreationDateTime: Math.floor((dynamodb.ApproximateCreationDateTime?.getTime() ?? Date.now()) / 1000),
      SequenceNumber: dynamodb.SequenceNumber ?? '',
      SizeBytes: dynamodb.SizeBytes,
      StreamViewType: dynamodb.StreamViewType,
      ...(Keys ? { Keys: plainAll(Keys) } : {}),
      ...(NewImage ? { NewImage: plainAll(NewImage) } : {}),
      ...(OldImage ? { OldImage: plainAll(OldImage) } : {}),
    },
    eventSourceARN: streamArn,
  }
}
