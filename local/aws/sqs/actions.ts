import { randomUUID } from 'node:crypto'
import { receiveMessage } from './receive.ts'
import { md5Hex, md5OfAttributes } from './digest.ts'
import { SqsError } from './errors.ts'
import {
  arnOf,
  attribute,
  defaults,
  expire,
  messageBytesMax,
  queueNamed,
  queueOf,
  text,
  urlOf,
  whole,
  type Action,
  type Input,
  type SqsState,
} from './input.ts'
import type { MessageAttribute, NewMessage, Queue } from './store.ts'

const batchMax = 10
const delaySecondsMax = 900
const visibilitySecondsMax = 43_200
const queueName = /^[A-Za-z0-9_-]{1,80}$/
const forbiddenCharacters = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/

const settable = [
  ...Object.keys(defaults),
  'RedrivePolicy',
  'RedriveAllowPolicy',
  'Policy',
  'SqsManagedSseEnabled',
  'KmsMasterKeyId',
]

function attributesOf(input: Input): Record<string, string> {
  const given = (input.Attributes ?? {}) as Record<string, unknown>
  for (const name of Object.keys(given)) {
    if (!settable.includes(name)) throw new SqsError('InvalidAttributeName', `Unknown Attribute ${name}.`)
  }
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)]))
}

const createQueue: Action = (input, state) => {
  const name = text(input, 'QueueName')
  if (name.endsWith('.fifo')) throw new SqsError('UnsupportedOperation', 'FIFO queues are not known here.')
  if (!queueName.test(name)) {
    throw new SqsError('InvalidParameterValue', 'A queue name is 1 to 80 letters, digits, hyphens or underscores.')
  }
  const attributes = attributesOf(input)
  const existing = state.store.queue(name)
  if (existing) {
    const differs = Object.entries(attributes).find(([key, value]) => attribute(existing, key) !== value)
    if (differs)
      throw new SqsError('QueueNameExists', `A queue already exists with a different value for ${differs[0]}`)
  } else state.store.saveQueue({ name, createdMs: state.now(), attributes })
  return { QueueUrl: urlOf(name, state) }
}

const getQueueUrl: Action = (input, state) => ({
  QueueUrl: urlOf(queueNamed(text(input, 'QueueName'), state.store).name, state),
})

const listQueues: Action = (input, state) => {
  const queues = state.store.queues(typeof input.QueueNamePrefix === 'string' ? input.QueueNamePrefix : '')
  return { QueueUrls: queues.map((queue) => urlOf(queue.name, state)) }
}

const deleteQueue: Action = (input, state) => {
  state.store.removeQueue(queueOf(input, state).name)
  return {}
}

const purgeQueue: Action = (input, state) => {
  state.store.purge(queueOf(input, state).name)
  return {}
}

const setQueueAttributes: Action = (input, state) => {
  const queue = queueOf(input, state)
  state.store.saveQueue({ ...queue, attributes: { ...queue.attributes, ...attributesOf(input) } })
  return {}
}

const getQueueAttributes: Action = (input, state) => {
  const queue = queueOf(input, state)
  const wanted = (input.AttributeNames ?? []) as string[]
  expire(queue, state)
  const { visible, inFlight, delayed } = state.store.counts(queue.name, state.now())
  const created = String(Math.floor(queue.createdMs / 1000))
  const all: Record<string, string> = {
    ...defaults,
    ...queue.attributes,
    QueueArn: arnOf(queue.name, state),
    ApproximateNumberOfMessages: String(visible),
    ApproximateNumberOfMessagesNotVisible: String(inFlight),
    ApproximateNumberOfMessagesDelayed: String(delayed),
    CreatedTimestamp: created,
    LastModifiedTimestamp: created,
  }
  const chosen = Object.entries(all).filter(([name]) => wanted.includes('All') || wanted.includes(name))
  return { Attributes: Object.fromEntries(chosen) }
}

function messageOf(input: Input, queue: Queue): NewMessage {
  const body = text(input, 'MessageBody')
  const attributes = (input.MessageAttributes ?? {}) as Record<string, MessageAttribute>
  if (body === '') throw new SqsError('InvalidParameterValue', 'The request must contain the parameter MessageBody.')
  if (forbiddenCharacters.test(body)) {
    throw new SqsError(
      'InvalidMessageContents',
      'Invalid characters found. Valid unicode characters are those of XML 1.0.',
    )
  }
  const bytesMax = Number(attribute(queue, 'MaximumMessageSize'))
  if (bytesOf(body, attributes) > bytesMax) {
    const message = `One or more parameters are invalid. Reason: Message must be shorter than ${bytesMax} bytes.`
    throw new SqsError('InvalidParameterValue', message)
  }
  const fallback = Number(attribute(queue, 'DelaySeconds'))
  return { body, attributes, delaySeconds: whole(input.DelaySeconds, 'DelaySeconds', delaySecondsMax, fallback) }
}

const bytesOf = (body: string, attributes: Readonly<Record<string, MessageAttribute>>): number =>
  Object.entries(attributes).reduce(
    (sum, [name, { DataType, StringValue = '', BinaryValue = '' }]) =>
      sum + Buffer.byteLength(name + DataType + StringValue) + Buffer.from(BinaryValue, 'base64').length,
    Buffer.byteLength(body),
  )

function store(message: NewMessage, queue: Queue, state: SqsState): object {
  const MessageId = state.store.send(queue.name, message, state.now())
  state.wake(queue.name)
  const MD5OfMessageAttributes = md5OfAttributes(message.attributes)
  return {
    MessageId,
    MD5OfMessageBody: md5Hex(message.body),
    ...(MD5OfMessageAttributes ? { MD5OfMessageAttributes } : {}),
  }
}

const sendMessage: Action = (input, state) => {
  const queue = queueOf(input, state)
  return store(messageOf(input, queue), queue, state)
}

/** Runs `each` for every entry; one entry's failure is its own. */
function batch(input: Input, each: (entry: Input) => object): object {
  const entries = (input.Entries ?? []) as Input[]
  if (entries.length === 0)
    throw new SqsError('EmptyBatchRequest', 'There should be at least one entry in the request.')
  if (entries.length > batchMax) {
    throw new SqsError('TooManyEntriesInBatchRequest', `Maximum number of entries per request are ${batchMax}.`)
  }
  if (new Set(entries.map((entry) => entry.Id)).size !== entries.length) {
    throw new SqsError('BatchEntryIdsNotDistinct', 'Two or more batch entries have the same Id.')
  }
  const Successful: object[] = []
  const Failed: object[] = []
  for (const entry of entries) {
    try {
      Successful.push({ Id: entry.Id, ...each(entry) })
    } catch (error) {
      const { query, message } = error as SqsError
      Failed.push({ Id: entry.Id, Code: query ?? 'InternalFailure', Message: message, SenderFault: true })
    }
  }
  return { Successful, Failed }
}

const sendMessageBatch: Action = (input, state) => {
  const queue = queueOf(input, state)
  const total = ((input.Entries ?? []) as Input[]).reduce((sum, { MessageBody, MessageAttributes }) => {
    // A body that is no text is its own entry's failure, when its turn comes.
    const body = typeof MessageBody === 'string' ? MessageBody : ''
    return sum + bytesOf(body, (MessageAttributes ?? {}) as Record<string, MessageAttribute>)
  }, 0)
  if (total > messageBytesMax) {
    throw new SqsError('BatchRequestTooLong', `Batch requests cannot be longer than ${messageBytesMax} bytes.`)
  }
  return state.store.transaction(() => batch(input, (entry) => store(messageOf(entry, queue), queue, state)))
}

function deleteOne(input: Input, queue: Queue, state: SqsState): object {
  state.store.remove(queue.name, text(input, 'ReceiptHandle'))
  return {}
}

function changeOne(input: Input, queue: Queue, state: SqsState): object {
  const receipt = text(input, 'ReceiptHandle')
  const seconds = whole(input.VisibilityTimeout, 'VisibilityTimeout', visibilitySecondsMax, 0)
  const message = state.store.byReceipt(queue.name, receipt)
  if (!message) throw new SqsError('ReceiptHandleIsInvalid', `The input receipt handle "${receipt}" is not valid.`)
  if (message.visibleMs <= state.now()) throw new SqsError('MessageNotInflight', 'The message is not in flight.')
  state.store.hide(queue.name, receipt, state.now() + seconds * 1000)
  // A long poll that sleeps until the message was to be seen before has to look at the clock again.
  state.wake(queue.name)
  return {}
}

const startMessageMoveTask: Action = (input, state) => {
  const nameOf = (arn: string) => arn.split(':').at(-1) ?? ''
  const source = state.store.queue(nameOf(text(input, 'SourceArn')))
  if (!source)
    throw new SqsError('ResourceNotFoundException', 'The resource that you specified for the SourceArn does not exist.')
  const target =
    typeof input.DestinationArn === 'string' ? queueNamed(nameOf(input.DestinationArn), state.store).name : undefined
  expire(source, state)
  state.store.transaction(() => state.store.moveBack(source.name, target, state.now()))
  for (const queue of state.store.queues('')) state.wake(queue.name)
  return { TaskHandle: Buffer.from(randomUUID()).toString('base64') }
}

export const actions: Readonly<Record<string, Action>> = {
  CreateQueue: createQueue,
  GetQueueUrl: getQueueUrl,
  ListQueues: listQueues,
  DeleteQueue: deleteQueue,
  PurgeQueue: purgeQueue,
  SetQueueAttributes: setQueueAttributes,
  GetQueueAttributes: getQueueAttributes,
  SendMessage: sendMessage,
  SendMessageBatch: sendMessageBatch,
  ReceiveMessage: receiveMessage,
  DeleteMessage: (input, state) => deleteOne(input, queueOf(input, state), state),
  DeleteMessageBatch: (input, state) => {
    const queue = queueOf(input, state)
    return state.store.transaction(() => batch(input, (entry) => deleteOne(entry, queue, state)))
  },
  ChangeMessageVisibility: (input, state) => changeOne(input, queueOf(input, state), state),
  ChangeMessageVisibilityBatch: (input, state) => {
    const queue = queueOf(input, state)
    return batch(input, (entry) => changeOne(entry, queue, state))
  },
  StartMessageMoveTask: startMessageMoveTask,
}
