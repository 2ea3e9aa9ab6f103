import middy from '@middy/core'
import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda'
import { handleChanges } from '../../shared/core/feed.ts'
import { changeOf } from '../adapters/change.ts'
import { composeServices } from '../compose.ts'

const services = composeServices('change-feed')

/** DynamoDB Streams batch -> the core -> the sequence numbers that must be delivered again. */
export const handler = middy<DynamoDBStreamEvent, DynamoDBBatchResponse>().handler(async (event) => {
  const changes = event.Records.flatMap((record) => changeOf(record) ?? [])
  const { failed } = await handleChanges(
    services,
    changes.map(({ record }) => record),
  )
  return { batchItemFailures: failed.map((index) => ({ itemIdentifier: changes[index]?.sequenceNumber ?? '' })) }
})
