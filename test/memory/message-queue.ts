/** How long a queue keeps and hides what it holds, and how often it gives a message out. */
export interface QueueWay {
  /** A message that was received so often and is seen again goes to the dead letters. */
  readonly receivesMax: number
  /** A message that was received is not seen for so long. */
  readonly hiddenMs: number
  /** A message that was sent longer ago is gone. */
  readonly retentionMs: number
  /** A dead letter is gone so long after it was sent, or after it died where dying makes it another message. */
  readonly deadRetentionMs: number
  readonly deadSince: 'sent' | 'death'
}

export interface Received {
  readonly text: string
  /** 1 at the first time. */
  readonly receives: number
  /** These do nothing once the message was received again, or is gone. */
  remove(): void
  hide(untilMs: number): void
  bury(): void
}

export interface MessageQueue {
  /** Returns when it will be seen. */
  send(text: string, delayMs?: number): number
  /** What has been in sight the longest. */
  receive(limit: number): Received[]
  /** What waits: in sight, delayed or hidden. */
  depth(): { readonly waiting: number; readonly deadLetters: number }
  deadLetters(): string[]
  /** Sends every dead letter once more, as new as any. */
  redrive(): void
  clear(): void
}

interface Message {
  readonly text: string
  readonly order: number
  sentMs: number
  visibleMs: number
  receives: number
}

/** A standard queue and its dead letters: at least once, in no order that anybody promises. */
export function messageQueue(way: QueueWay, now: () => number): MessageQueue {
  const waiting = new Set<Message>()
  const dead = new Set<Message>()
  let order = 0
  const forget = (): void => {
    for (const message of waiting) if (message.sentMs < now() - way.retentionMs) waiting.delete(message)
    for (const message of dead) if (message.sentMs < now() - way.deadRetentionMs) dead.delete(message)
  }
  const bury = (message: Message): void => {
    waiting.delete(message)
    dead.add(message)
    if (way.deadSince === 'death') message.sentMs = now()
  }
  const received = (message: Message): Received => {
    message.receives += 1
    message.visibleMs = now() + way.hiddenMs
    const { text, receives } = message
    const ifHeld = (act: () => void) => (): void => {
      if (waiting.has(message) && message.receives === receives) act()
    }
    return {
      text,
      receives,
      remove: ifHeld(() => waiting.delete(message)),
      // What is in sight again is in nobody's hands, though nobody took it yet.
      hide: (untilMs) => ifHeld(() => (message.visibleMs = message.visibleMs > now() ? untilMs : message.visibleMs))(),
      bury: ifHeld(() => bury(message)),
    }
  }
  const send = (text: string, delayMs = 0): number => {
    const visibleMs = now() + delayMs
    waiting.add({ text, order: order++, sentMs: now(), visibleMs, receives: 0 })
    return visibleMs
  }
  return {
    send,
    receive: (limit) => {
      forget()
      const seen = [...waiting].filter(({ visibleMs }) => visibleMs <= now())
      for (const message of seen) if (message.receives >= way.receivesMax) bury(message)
      return seen
        .filter((message) => waiting.has(message))
        .sort((a, b) => a.visibleMs - b.visibleMs || a.order - b.order)
        .slice(0, limit)
        .map(received)
    },
    depth: () => {
      forget()
      return { waiting: waiting.size, deadLetters: dead.size }
    },
    deadLetters: () => [...dead].map(({ text }) => text),
    redrive: () => {
      forget()
      for (const { text } of dead) send(text)
      dead.clear()
    },
    clear: () => {
      waiting.clear()
      dead.clear()
    },
  }
}
