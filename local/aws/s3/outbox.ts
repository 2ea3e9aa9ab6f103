import type { S3Database } from './database.ts'
import type { OutboxEntry } from './model.ts'

export type SendEvent = (queueArn: string, body: string) => Promise<void>

const retryMsMin = 200
const retryMsMax = 10_000
const batchMax = 20

/** Sends what the database's outbox holds, oldest first, at least once, for as long as it takes. */
export class Outbox {
  private readonly database: S3Database
  private readonly send: SendEvent
  private running: Promise<void> | undefined
  private retryTimer: NodeJS.Timeout | undefined
  private retryMs = retryMsMin
  private closed = false

  constructor(database: S3Database, send: SendEvent) {
    this.database = database
    this.send = send
  }

  wake(): void {
    if (this.closed || this.running || this.retryTimer) return
    this.running = this.drain().finally(() => {
      this.running = undefined
    })
  }

  private async drain(): Promise<void> {
    for (let entries = this.next(); entries.length > 0; entries = this.next()) {
      try {
        await Promise.all(entries.map((entry) => this.deliver(entry)))
        this.retryMs = retryMsMin
      } catch {
        this.retryLater()
        return
      }
    }
  }

  private next(): OutboxEntry[] {
    return this.closed ? [] : this.database.outbox(batchMax)
  }

  private async deliver({ seq, queueArn, body }: OutboxEntry): Promise<void> {
    await this.send(queueArn, body)
    if (!this.closed) this.database.removeFromOutbox(seq)
  }

  private retryLater(): void {
    if (this.closed) return
    this.retryTimer = setTimeout(() => {
      this.retryTimer = undefined
      this.wake()
    }, this.retryMs)
    this.retryTimer.unref()
    this.retryMs = Math.min(this.retryMs * 2, retryMsMax)
  }

  async close(): Promise<void> {
    this.closed = true
    clearTimeout(this.retryTimer)
    await this.running
  }
}
