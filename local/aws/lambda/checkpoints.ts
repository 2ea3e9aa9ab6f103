import { DatabaseSync } from 'node:sqlite'

export interface Checkpoint {
  /** The last sequence number that is done; undefined when nothing is. */
  readonly sequence: string | undefined
  /** The shard is closed and read to its end. */
  readonly finished: boolean
}

/** How far each mapping has come in each shard. On disk before `save` returns. */
export class Checkpoints {
  private readonly database: DatabaseSync

  constructor(file: string) {
    this.database = new DatabaseSync(file)
    this.database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      CREATE TABLE IF NOT EXISTS checkpoints (
        mapping TEXT NOT NULL, shard TEXT NOT NULL, sequence TEXT, finished INTEGER NOT NULL,
        PRIMARY KEY (mapping, shard)) WITHOUT ROWID;
    `)
  }

  read(mapping: string, shard: string): Checkpoint | undefined {
    const row = this.database.prepare('SELECT * FROM checkpoints WHERE mapping = ? AND shard = ?').get(mapping, shard)
    if (!row) return undefined
    return { sequence: row.sequence === null ? undefined : String(row.sequence), finished: row.finished === 1 }
  }

  save(mapping: string, shard: string, { sequence, finished }: Checkpoint): void {
    const text = 'INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?)'
    this.database.prepare(text).run(mapping, shard, sequence ?? null, finished ? 1 : 0)
  }

  close(): void {
    this.database.close()
  }
}
