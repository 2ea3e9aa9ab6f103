import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { JsonObject } from '../../shared/domain/json.ts'

/** What is used of LokiJS, Azurite's in-memory database. */
export interface LokiCollection {
  readonly name: string
  on(events: string[], listener: (document: LokiDocument | LokiDocument[]) => void): void
  ensureAllIndexes(force: boolean): void
}
export interface LokiDocument {
  readonly $loki: number
}
interface LokiAdapter {
  saveDatabase(name: string, text: string, done: (error?: unknown) => void): void
}
export interface Loki {
  readonly collections: readonly LokiCollection[]
  readonly persistenceAdapter: LokiAdapter
  autosaveInterval: number
  autosaveEnable(): void
  autosaveDisable(): void
}

interface Entry {
  readonly c: string
  readonly id: number
  /** The document as it is now, or null when it was removed. */
  readonly d: (JsonObject & LokiDocument) | null
}

interface Snapshot {
  readonly collections: {
    readonly name: string
    data: (JsonObject & LokiDocument)[]
    maxId: number
    idIndex?: unknown
  }[]
}

const saveMs = 60_000

/**
 * Azurite keeps metadata in memory and saves all of it every five seconds: a killed process forgets what it had
 * acknowledged. This appends each change to a journal as it is made, before its answer; the whole is saved every
 * minute, after which the journal's older files go. What a write costs does not depend on how much is stored.
 */
export class LokiJournal {
  readonly #path: string
  #sequence = 0
  #file: number | undefined

  /** `path` is the file that Loki saves to. */
  constructor(path: string) {
    this.#path = path
  }

  #segments(): { path: string; sequence: number }[] {
    const folder = dirname(this.#path)
    const prefix = `${basename(this.#path)}.journal-`
    return readdirSync(folder)
      .filter((name) => name.startsWith(prefix))
      .map((name) => ({ path: join(folder, name), sequence: Number(name.slice(prefix.length)) }))
      .sort((a, b) => a.sequence - b.sequence)
  }

  /** Brings the saved file up to date before Loki loads it. Doing it twice, or half and again, changes nothing. */
  recover(): void {
    const segments = this.#segments()
    this.#sequence = segments.at(-1)?.sequence ?? 0
    if (segments.length === 0 || !existsSync(this.#path)) return
    const last = new Map<string, Map<number, Entry['d']>>()
    for (const { path } of segments) {
      for (const { c, id, d } of entries(readFileSync(path, 'utf8'))) {
        const changes = last.get(c) ?? new Map<number, Entry['d']>()
        last.set(c, changes.set(id, d))
      }
    }
    const snapshot = JSON.parse(readFileSync(this.#path, 'utf8')) as Snapshot
    for (const collection of snapshot.collections) {
      const changes = last.get(collection.name)
      if (changes === undefined) continue
      const added = [...changes.values()].filter((document) => document !== null)
      collection.data = [...collection.data.filter(({ $loki }) => !changes.has($loki)), ...added]
      collection.data.sort((a, b) => a.$loki - b.$loki)
      collection.maxId = Math.max(collection.maxId, ...changes.keys())
      collection.idIndex = null
    }
    writeFileSync(`${this.#path}.recovered`, JSON.stringify(snapshot))
    renameSync(`${this.#path}.recovered`, this.#path)
    for (const { path } of segments) rmSync(path)
  }

  /** Call when Loki has loaded and before anything changes. */
  attach(db: Loki): void {
    this.#rotate()
    for (const collection of db.collections) {
      collection.ensureAllIndexes(true)
      const write = (document: LokiDocument, gone: boolean): void => {
        const entry = { c: collection.name, id: document.$loki, d: gone ? null : document }
        if (this.#file !== undefined) writeSync(this.#file, `${JSON.stringify(entry)}\n`)
      }
      collection.on(['insert', 'update'], (found) => [found].flat().forEach((document) => write(document, false)))
      collection.on(['delete'], (found) => [found].flat().forEach((document) => write(document, true)))
    }
    const adapter = db.persistenceAdapter
    const save = adapter.saveDatabase.bind(adapter)
    // Loki makes the text in the same turn as this call, so what is journalled from here on is not in it.
    adapter.saveDatabase = (name, text, done) => {
      const covered = this.#rotate()
      save(name, text, (error) => {
        if (!error) for (const { path, sequence } of this.#segments()) if (sequence <= covered) rmSync(path)
        done(error)
      })
    }
    db.autosaveDisable()
    db.autosaveInterval = saveMs
    db.autosaveEnable()
  }

  /** Starts the next file; returns the number of the one before. */
  #rotate(): number {
    if (this.#file !== undefined) closeSync(this.#file)
    const before = this.#sequence
    this.#sequence += 1
    this.#file = openSync(`${this.#path}.journal-${this.#sequence}`, 'a')
    return before
  }
}

/** The last line of a killed process may be half; its write was not acknowledged. */
function* entries(text: string): Generator<Entry> {
  for (const line of text.split('\n')) {
    try {
      if (line !== '') yield JSON.parse(line) as Entry
    } catch {
      return
    }
  }
}
