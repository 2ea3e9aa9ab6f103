import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite'
import type { Segment } from './blobs.ts'
import type { Bucket, BucketSettings, NewVersion, OutboxEntry, Part, Upload, Version } from './model.ts'

type Row = Record<string, SQLOutputValue>

const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, created INTEGER NOT NULL, settings TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS versions (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, bucket TEXT NOT NULL, key TEXT NOT NULL, version TEXT NOT NULL,
    latest INTEGER NOT NULL, marker INTEGER NOT NULL, data TEXT NOT NULL);
  CREATE UNIQUE INDEX IF NOT EXISTS versions_by_id ON versions (bucket, key, version);
  CREATE INDEX IF NOT EXISTS versions_by_age ON versions (bucket, key, seq DESC);
  CREATE INDEX IF NOT EXISTS versions_latest ON versions (bucket, key) WHERE latest = 1 AND marker = 0;
  CREATE TABLE IF NOT EXISTS uploads (id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, data TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS parts (
    upload TEXT NOT NULL, part INTEGER NOT NULL, data TEXT NOT NULL, PRIMARY KEY (upload, part)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS files (file TEXT PRIMARY KEY) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, body TEXT NOT NULL);
`

/** Everything the S3 server knows except the bytes. A commit is on disk before the call returns. */
export class S3Database {
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

  /** All or nothing; `work` must not wait. */
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

  bucket(name: string): Bucket | undefined {
    const row = this.sql('SELECT * FROM buckets WHERE name = ?').get(name)
    return row && bucketOf(row)
  }

  buckets(): Bucket[] {
    return this.sql('SELECT * FROM buckets ORDER BY name').all().map(bucketOf)
  }

  saveBucket({ name, createdMs, settings }: Bucket): void {
    const text = 'INSERT INTO buckets VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET settings = excluded.settings'
    this.sql(text).run(name, createdMs, JSON.stringify(settings))
  }

  removeBucket(name: string): void {
    this.sql('DELETE FROM buckets WHERE name = ?').run(name)
  }

  isEmpty(bucket: string): boolean {
    return this.sql('SELECT 1 FROM versions WHERE bucket = ? LIMIT 1').get(bucket) === undefined
  }

  /** Delete markers included. */
  latest(bucket: string, key: string): Version | undefined {
    const row = this.sql('SELECT * FROM versions WHERE bucket = ? AND key = ? ORDER BY seq DESC LIMIT 1').get(
      bucket,
      key,
    )
    return row && versionOf(row)
  }

  version(bucket: string, key: string, versionId: string): Version | undefined {
    const row = this.sql('SELECT * FROM versions WHERE bucket = ? AND key = ? AND version = ?').get(
      bucket,
      key,
      versionId,
    )
    return row && versionOf(row)
  }

  /** Makes `version` the latest of its key. */
  addVersion(version: NewVersion): number {
    const { bucket, key, versionId, deleteMarker } = version
    this.sql('UPDATE versions SET latest = 0 WHERE bucket = ? AND key = ? AND latest = 1').run(bucket, key)
    const text = 'INSERT INTO versions (bucket, key, version, latest, marker, data) VALUES (?, ?, ?, 1, ?, ?)'
    const { lastInsertRowid } = this.sql(text).run(
      bucket,
      key,
      versionId,
      deleteMarker ? 1 : 0,
      JSON.stringify(version),
    )
    this.nameFiles(version.segments)
    return Number(lastInsertRowid)
  }

  /** Changes tags or lock of a version in place. */
  updateVersion(version: Version): void {
    this.sql('UPDATE versions SET data = ? WHERE seq = ?').run(JSON.stringify(version), version.seq)
  }

  /** The next younger version, if any, becomes the latest. */
  removeVersion({ seq, bucket, key, segments }: Version): void {
    this.sql('DELETE FROM versions WHERE seq = ?').run(seq)
    const text =
      'UPDATE versions SET latest = 1 WHERE seq = (SELECT max(seq) FROM versions WHERE bucket = ? AND key = ?)'
    this.sql(text).run(bucket, key)
    this.forgetFiles(segments)
  }

  /** The first present object at or after `key` (`inclusive`) or after it. */
  nextObject(bucket: string, key: string, inclusive: boolean): Version | undefined {
    const text = `SELECT * FROM versions WHERE bucket = ? AND key ${inclusive ? '>=' : '>'} ? AND latest = 1 AND marker = 0
      ORDER BY key LIMIT 1`
    const row = this.sql(text).get(bucket, key)
    return row && versionOf(row)
  }

  /** The next version in order of key, then newest first; after version `seq` of `key`, or from `key` on without `seq`. */
  nextVersion(bucket: string, key: string, seq?: number): Version | undefined {
    if (seq !== undefined) {
      const text = 'SELECT * FROM versions WHERE bucket = ? AND key = ? AND seq < ? ORDER BY seq DESC LIMIT 1'
      const older = this.sql(text).get(bucket, key, seq)
      if (older) return versionOf(older)
    }
    const text = `SELECT * FROM versions WHERE bucket = ? AND key ${seq === undefined ? '>=' : '>'} ?
      ORDER BY key, seq DESC LIMIT 1`
    const row = this.sql(text).get(bucket, key)
    return row && versionOf(row)
  }

  saveUpload(upload: Upload): void {
    const text = 'INSERT INTO uploads VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET data = excluded.data'
    this.sql(text).run(upload.id, upload.bucket, upload.key, JSON.stringify(upload))
  }

  upload(id: string): Upload | undefined {
    const row = this.sql('SELECT data FROM uploads WHERE id = ?').get(id)
    return row && (JSON.parse(String(row.data)) as Upload)
  }

  openUploads(bucket: string): Upload[] {
    const rows = this.sql('SELECT data FROM uploads WHERE bucket = ? ORDER BY key, id').all(bucket)
    return rows.map((row) => JSON.parse(String(row.data)) as Upload).filter((upload) => !upload.completed)
  }

  removeUpload(id: string): void {
    this.sql('DELETE FROM uploads WHERE id = ?').run(id)
  }

  /** Returns the part it replaces. */
  savePart(upload: string, part: Part): Part | undefined {
    const row = this.sql('SELECT data FROM parts WHERE upload = ? AND part = ?').get(upload, part.part)
    const replaced = row && (JSON.parse(String(row.data)) as Part)
    this.sql('INSERT OR REPLACE INTO parts VALUES (?, ?, ?)').run(upload, part.part, JSON.stringify(part))
    this.nameFiles([part.segment])
    if (replaced) this.forgetFiles([replaced.segment])
    return replaced
  }

  parts(upload: string): Part[] {
    const rows = this.sql('SELECT data FROM parts WHERE upload = ? ORDER BY part').all(upload)
    return rows.map((row) => JSON.parse(String(row.data)) as Part)
  }

  /** Forgets the parts; `kept` files stay named, by the object they became. */
  removeParts(upload: string, kept: ReadonlySet<string>): Segment[] {
    const unused = this.parts(upload)
      .map((part) => part.segment)
      .filter((segment) => !kept.has(segment.file))
    this.sql('DELETE FROM parts WHERE upload = ?').run(upload)
    this.forgetFiles(unused)
    return unused
  }

  addToOutbox(queueArn: string, body: string): void {
    this.sql('INSERT INTO outbox (queue, body) VALUES (?, ?)').run(queueArn, body)
  }

  outbox(limit: number): OutboxEntry[] {
    const rows = this.sql('SELECT * FROM outbox ORDER BY seq LIMIT ?').all(limit)
    return rows.map((row) => ({ seq: Number(row.seq), queueArn: String(row.queue), body: String(row.body) }))
  }

  removeFromOutbox(seq: number): void {
    this.sql('DELETE FROM outbox WHERE seq = ?').run(seq)
  }

  isNamed(file: string): boolean {
    return this.sql('SELECT 1 FROM files WHERE file = ?').get(file) !== undefined
  }

  private nameFiles(segments: readonly Segment[]): void {
    for (const { file } of segments) this.sql('INSERT OR IGNORE INTO files VALUES (?)').run(file)
  }

  private forgetFiles(segments: readonly Segment[]): void {
    for (const { file } of segments) this.sql('DELETE FROM files WHERE file = ?').run(file)
  }
}

const bucketOf = (row: Row): Bucket => ({
  name: String(row.name),
  createdMs: Number(row.created),
  settings: JSON.parse(String(row.settings)) as BucketSettings,
})

const versionOf = (row: Row): Version => ({
  ...(JSON.parse(String(row.data)) as NewVersion),
  seq: Number(row.seq),
  latest: row.latest === 1,
})
