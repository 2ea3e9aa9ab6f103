import { arnOf, attribute, expire, queueOf, whole, type Action, type Input, type SqsState } from './input.ts'
import { md5Hex, md5OfAttributes } from './digest.ts'
import { SqsError } from './errors.ts'
import type { Message, Queue } from './store.ts'

const receivesMax = 10
const waitSecondsMax = 20
const visibilitySecondsMax = 43_200

interface Redrive {
  readonly queue: string
  readonly receivesMax: number
}

function redriveOf(queue: Queue): Redrive | undefined {
  const policy = queue.attributes.RedrivePolicy
  if (!policy) return undefined
  const { deadLetterTargetArn, maxReceiveCount } = JSON.parse(policy) as Record<string, unknown>
  return { queue: String(deadLetterTargetArn).split(':').at(-1) ?? '', receivesMax: Number(maxReceiveCount) }
}

/** Long poll: answers at once when something is visible, else when something comes or the time is over. */
export const receiveMessage: Action = async (input, state, signal) => {
  const queue = queueOf(input, state)
  const limit = whole(input.MaxNumberOfMessages, 'MaxNumberOfMessages', receivesMax, 1)
  if (limit < 1) throw new SqsError('InvalidParameterValue', 'MaxNumberOfMessages must be 1 to 10.')
  const visibility = Number(attribute(queue, 'VisibilityTimeout'))
  const hiddenSeconds = whole(input.VisibilityTimeout, 'VisibilityTimeout', visibilitySecondsMax, visibility)
  const waitDefault = Number(attribute(queue, 'ReceiveMessageWaitTimeSeconds'))
  const waitSeconds = whole(input.WaitTimeSeconds, 'WaitTimeSeconds', waitSecondsMax, waitDefault)
  const endMs = state.now() + waitSeconds * 1000
  for (;;) {
    const messages = signal.aborted ? [] : take(queue, limit, hiddenSeconds * 1000, state)
    const leftMs = endMs - state.now()
    if (messages.length > 0 || leftMs <= 0 || signal.aborted) {
      return messages.length > 0 ? { Messages: messages.map((message) => describe(message, input, state)) } : {}
    }
    const nextMs = state.store.nextVisibleMs(queue.name)
    await state.waitForMessage(queue.name, Math.min(leftMs, Math.max((nextMs ?? Infinity) - state.now(), 1)), signal)
  }
}

function take(queue: Queue, limit: number, hiddenMs: number, state: SqsState): Message[] {
  const { store, now, wake } = state
  const nowMs = now()
  const redrive = redriveOf(queue)
  return store.transaction(() => {
    expire(queue, state)
    if (redrive && store.queue(redrive.queue)) {
      if (store.moveToDeadLetters(queue.name, redrive.queue, redrive.receivesMax, nowMs) > 0) wake(redrive.queue)
    }
    return store.receive(queue.name, limit, hiddenMs, nowMs)
  })
}

function describe(message: Message, input: Input, state: SqsState): object {
  const wanted = [
    ...((input.AttributeNames ?? []) as string[]),
    ...((input.MessageSystemAttributeNames ?? []) as string[]),
  ]
  const system: Record<string, string | undefined> = {
    SenderId: 'LOCAL',
    SentTimestamp: String(message.sentMs),
    ApproximateReceiveCount: String(message.receiveCount),
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedMs),
    DeadLetterQueueSourceArn: message.source && arnOf(message.source, state),
  }
  const chosen = Object.entries(system).filter(
    ([name, value]) => value !== undefined && (wanted.includes('All') || wanted.includes(name)),
  )
  const names = (input.MessageAttributeNames ?? []) as string[]
  const isWanted = (name: string) =>
    names.some(
      (each) =>
        each === 'All' || each === '.*' || each === name || (each.endsWith('.*') && name.startsWith(each.slice(0, -2))),
    )
  const attributes = Object.fromEntries(Object.entries(message.attributes).filter(([name]) => isWanted(name)))
  const md5 = md5OfAttributes(attributes)
  return {
    MessageId: message.id,
    ReceiptHandle: message.receipt,
    Body: message.body,
    MD5OfBody: md5Hex(message.body),
    ...(chosen.length > 0 ? { Attributes: Object.fromEntries(chosen) } : {}),
    ...(md5 ? { MessageAttributes: attributes, MD5OfMessageAttributes: md5 } : {}),
  }
}
