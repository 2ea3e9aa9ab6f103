/** A failure as SQS says it: `type` is the modelled shape, `query` the legacy code that SDKs read from a header. */
export class SqsError extends Error {
  readonly type: string
  readonly query: string
  readonly status: number

  constructor(code: SqsErrorCode, message: string) {
    super(message)
    this.name = 'SqsError'
    const [query, status] = known[code]
    this.type = `com.amazonaws.sqs#${code}`
    this.query = query
    this.status = status
  }
}

const known = {
  QueueDoesNotExist: ['AWS.SimpleQueueService.NonExistentQueue', 400],
  QueueNameExists: ['QueueAlreadyExists', 400],
  ReceiptHandleIsInvalid: ['ReceiptHandleIsInvalid', 400],
  MessageNotInflight: ['AWS.SimpleQueueService.MessageNotInflight', 400],
  InvalidParameterValue: ['InvalidParameterValue', 400],
  InvalidMessageContents: ['InvalidMessageContents', 400],
  InvalidAttributeName: ['InvalidAttributeName', 400],
  BatchEntryIdsNotDistinct: ['AWS.SimpleQueueService.BatchEntryIdsNotDistinct', 400],
  BatchRequestTooLong: ['AWS.SimpleQueueService.BatchRequestTooLong', 400],
  EmptyBatchRequest: ['AWS.SimpleQueueService.EmptyBatchRequest', 400],
  TooManyEntriesInBatchRequest: ['AWS.SimpleQueueService.TooManyEntriesInBatchRequest', 400],
  ResourceNotFoundException: ['ResourceNotFoundException', 404],
  UnsupportedOperation: ['AWS.SimpleQueueService.UnsupportedOperation', 400],
  RequestThrottled: ['RequestThrottled', 400],
  AccessDenied: ['AccessDenied', 403],
  InvalidClientTokenId: ['InvalidClientTokenId', 403],
  SignatureDoesNotMatch: ['SignatureDoesNotMatch', 403],
  UnknownOperationException: ['UnknownOperationException', 404],
  InternalFailure: ['InternalFailure', 500],
} as const

export type SqsErrorCode = keyof typeof known
