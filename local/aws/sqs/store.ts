import { randomBytes, randomUUID } from 'node:crypto'
import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite'

export interface Queue {
  readonly name: string
  readonly createdMs: number
  readonly attributes: Readonly<Record<string, string>>
}

export interface MessageAttribute {
  readonly DataType: string
  readonly StringValue?: string
  readonly BinaryValue?: string
}

export interface NewMessage {
  readonly body: string
  readonly attributes: Readonly<Record<string, MessageAttribute>>
  readonly delaySeconds: number
}

export interface Message {
  readonly id: string
  readonly body: string
  readonly attributes: Readonly<Record<string, MessageAttribute>>
  readonly sentMs: number
  readonly visibleMs: number
  readonly receiveCount: number
  readonly firstReceivedMs: number | undefined
  readonly receipt: string
  /** The queue it came from, for a message in a dead-letter queue. */
  readonly source: string | undefined
}

export interface Counts {
  readonly visible: number
  readonly inFlight: number
  readonly delayed: number
}

type Row = Record<string, SQLOutputValue>

const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS queues (name TEXT PRIMARY KEY, created INTEGER NOT NULL, attributes TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
    attributes TEXT NOT NULL, sent INTEGER NOT NULL, visible INTEGER NOT NULL, received INTEGER NOT NULL,
    first INTEGER, receipt TEXT, source TEXT);
  CREATE INDEX IF NOT EXISTS messages_by_time ON messages (queue, visible, seq);
  CREATE UNIQUE INDEX IF NOT EXISTS messages_by_receipt ON messages (receipt);
`

/** Queues and messages on disk. Every change is committed before the call returns. */
export class SqsStore {
  private readonly database: DatabaseSync
  private readonly statements = new Map<string, StatementSync>()

  constructor(file: string) {
    this.database = new DatabaseSync(file)
    this.database.exec(schema)
  }

  close(): void {
    this.database.close()
  }

  private sql(text: string): StatementSync {
    const known = this.statements.get(text)
    if (known) return known
    const statement = this.database.prepare(text)
    this.statements.set(text, statement)
    return statement
  }

  transaction<T>(work: () => T): T {
    this.database.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      this.database.exec('COMMIT')
      return result
    } catch (error) {
      this.database.exec('ROLLBACK')
      throw error
    }
  }

  queue(name: string): Queue | undefined {
    const row = this.sql('SELECT * FROM queues WHERE name = ?').get(name)
    return row && queueOf(row)
  }

  queues(prefix: string): Queue[] {
    return this.sql('SELECT * FROM queues ORDER BY name')
      .all()
      .map(queueOf)
      .filter((queue) => queue.name.startsWith(prefix))
  }

  saveQueue({ name, createdMs, attributes }: Queue): void {
    const text = 'INSERT INTO queues VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET attributes = excluded.attributes'
    this.sql(text).run(name, createdMs, JSON.stringify(attributes))
  }

  removeQueue(name: string): void {
    this.transaction(() => {
      this.purge(name)
      this.sql('DELETE FROM queues WHERE name = ?').run(name)
    })
  }

  purge(queue: string): void {
    this.sql('DELETE FROM messages WHERE queue = ?').run(queue)
  }

  /** Returns the message's id. */
  send(queue: string, { body, attributes, delaySeconds }: NewMessage, nowMs: number): string {
    const id = randomUUID()
    const text = `INSERT INTO messages (queue, id, body, attributes, sent, visible, received) VALUES (?, ?, ?, ?, ?, ?, 0)`
    this.sql(text).run(queue, id, body, JSON.stringify(attributes), nowMs, nowMs + delaySeconds * 1000)
    return id
  }

  /** Visible messages, the longest visible first; each gets a fresh receipt and stays hidden for `hiddenMs`. */
  receive(queue: string, limit: number, hiddenMs: number, nowMs: number): Message[] {
    const text = 'SELECT * FROM messages WHERE queue = ? AND visible <= ? ORDER BY visible, seq LIMIT ?'
    return this.sql(text)
      .all(queue, nowMs, limit)
      .map((row) => {
        const receipt = randomBytes(48).toString('base64')
        const change = `UPDATE messages SET visible = ?, received = received + 1, first = coalesce(first, ?), receipt = ?
          WHERE seq = ?`
        this.sql(change).run(nowMs + hiddenMs, nowMs, receipt, Number(row.seq))
        const message = messageOf(row)
        const firstReceivedMs = message.firstReceivedMs ?? nowMs
        return { ...message, receipt, receiveCount: message.receiveCount + 1, firstReceivedMs }
      })
  }

  /** Moves messages that have been received `receivesMax` times and are visible again. Returns how many. */
  moveToDeadLetters(queue: string, target: string, receivesMax: number, nowMs: number): number {
    const text = `UPDATE messages SET queue = ?, source = queue, received = 0, first = NULL, receipt = NULL, visible = ?
      WHERE queue = ? AND visible <= ? AND received >= ?`
    return Number(this.sql(text).run(target, nowMs, queue, nowMs, receivesMax).changes)
  }

  /** Moves dead letters back to where they came from, or to `target`, as messages sent now. Returns how many. */
  moveBack(queue: string, target: string | undefined, nowMs: number): number {
    const chosen = `SELECT * FROM messages
      WHERE queue = ? AND coalesce(?, source) IS NOT NULL AND visible <= ? ORDER BY visible, seq`
    const rows = this.sql(chosen).all(queue, target ?? null, nowMs)
    for (const row of rows) {
      const { body, attributes, source } = messageOf(row)
      this.sql('DELETE FROM messages WHERE seq = ?').run(Number(row.seq))
      this.send(target ?? source ?? queue, { body, attributes, delaySeconds: 0 }, nowMs)
    }
    return rows.length
  }

  byReceipt(queue: string, receipt: string): Message | undefined {
    const row = this.sql('SELECT * FROM messages WHERE queue = ? AND receipt = ?').get(queue, receipt)
    return row && messageOf(row)
  }

  remove(queue: string, receipt: string): void {
    this.sql('DELETE FROM messages WHERE queue = ? AND receipt = ?').run(queue, receipt)
  }

  hide(queue: string, receipt: string, visibleMs: number): void {
    this.sql('UPDATE messages SET visible = ? WHERE queue = ? AND receipt = ?').run(visibleMs, queue, receipt)
  }

  expire(queue: string, sentBeforeMs: number): void {
    this.sql('DELETE FROM messages WHERE queue = ? AND sent < ?').run(queue, sentBeforeMs)
  }

  counts(queue: string, nowMs: number): Counts {
    const text = `SELECT count(*) FILTER (WHERE visible <= ?1) AS visible,
      count(*) FILTER (WHERE visible > ?1 AND received > 0) AS hidden,
      count(*) FILTER (WHERE visible > ?1 AND received = 0) AS delayed FROM messages WHERE queue = ?2`
    const row = this.sql(text).get(nowMs, queue) ?? {}
    return { visible: Number(row.visible), inFlight: Number(row.hidden), delayed: Number(row.delayed) }
  }

  /** When the next hidden or delayed message of the queue comes into sight. */
  nextVisibleMs(queue: string): number | undefined {
    const row = this.sql('SELECT min(visible) AS at FROM messages WHERE queue = ?').get(queue)
    return row?.at === null || row?.at === undefined ? undefined : Number(row.at)
  }
}

const queueOf = (row: Row): Queue => ({
  name: String(row.name),
  createdMs: Number(row.created),
  attributes: JSON.parse(String(row.attributes)) as Record<string, string>,
})

const messageOf = (row: Row): Message => ({
  id: String(row.id),
  body: String(row.body),
  attributes: JSON.parse(String(row.attributes)) as Record<string, MessageAttribute>,
  sentMs: Number(row.sent),
  visibleMs: Number(row.visible),
  receiveCount: Number(row.received),
  firstReceivedMs: row.first === null ? undefined : Number(row.first),
  receipt: String(row.receipt),
  source: row.source === null ? undefined : String(row.source),
})
