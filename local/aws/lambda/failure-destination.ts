import { randomUUID } from 'node:crypto'
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import type { GivenUp } from './stream-batch.ts'

export interface FailureDestination {
  readonly s3: S3Client
  readonly bucket: string
  readonly mappingId: string
  readonly functionArn: string
  readonly streamArn: string
}

/**
 * Keeps a batch that the mapping gave up on, records and all, where and as Lambda's S3 destination would:
 * `aws/lambda/<mapping>/<shard>/YYYY/MM/DD/YYYY-MM-DDThh.mm.ss-<uuid>`.
 */
export async function storeFailure(to: FailureDestination, shardId: string, given: GivenUp): Promise<void> {
  const { records, condition, invokes, last } = given
  const timestamp = new Date().toISOString()
  const arrival = (index: number) =>
    new Date((records.at(index)?.dynamodb.ApproximateCreationDateTime ?? 0) * 1000).toISOString().replace('.000Z', 'Z')
  const body = {
    requestContext: {
      requestId: last?.requestId ?? randomUUID(),
      functionArn: to.functionArn,
      condition,
      approximateInvokeCount: invokes,
    },
    responseContext: {
      statusCode: 200,
      executedVersion: '$LATEST',
      functionError: last && !last.ok ? 'Unhandled' : null,
    },
    version: '1.0',
    timestamp,
    DDBStreamBatchInfo: {
      shardId,
      startSequenceNumber: records[0]?.dynamodb.SequenceNumber,
      endSequenceNumber: records.at(-1)?.dynamodb.SequenceNumber,
      approximateArrivalOfFirstRecord: arrival(0),
      approximateArrivalOfLastRecord: arrival(-1),
      batchSize: records.length,
      streamArn: to.streamArn,
    },
    payload: JSON.stringify({ Records: records }),
  }
  const day = timestamp.slice(0, 10)
  const time = timestamp.slice(11, 19).replaceAll(':', '.')
  const Key = `aws/lambda/${to.mappingId}/${shardId}/${day.replaceAll('-', '/')}/${day}T${time}-${randomUUID()}`
  await to.s3.send(
    new PutObjectCommand({ Bucket: to.bucket, Key, Body: JSON.stringify(body), ContentType: 'application/json' }),
  )
}
