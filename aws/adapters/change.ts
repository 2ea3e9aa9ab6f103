import type { DynamoDBRecord } from 'aws-lambda'
import type { StoredRecord } from '../../shared/domain/record.ts'
import { fromItem, type Item } from './record-item.ts'

export interface Change {
  readonly record: StoredRecord
  readonly sequenceNumber: string
}

/** The new state in a stream record; undefined for a removal, which only a purge makes and which never replicates. */
export function changeOf({ dynamodb }: DynamoDBRecord): Change | undefined {
  if (!dynamodb?.NewImage || !dynamodb.SequenceNumber) return undefined
  return { record: fromItem(dynamodb.NewImage as Item), sequenceNumber: dynamodb.SequenceNumber }
}
