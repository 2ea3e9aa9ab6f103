import { DatabaseSync } from 'node:sqlite'
import { eachWrite } from '../../shared/adapters/write-batch.ts'
import { keyText, type RecordState, type StoredRecord } from '../../shared/domain/record.ts'
import type { LocalFacts, PutOutcome, RecordStore, WriteCondition } from '../../shared/ports/record-store.ts'

/**
 * A record store in a file, so that a million records take no memory of the process that is measured. It does what taking
 * states in needs; what only reading and reconciling need, it refuses.
 */
export function diskRecordStore(path: string): RecordStore {
  const database = new DatabaseSync(path)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -8000')
  database.exec('CREATE TABLE records (key TEXT PRIMARY KEY, token TEXT, text TEXT) WITHOUT ROWID')
  const select = database.prepare('SELECT text FROM records WHERE key = ?')
  const insert = database.prepare('INSERT OR IGNORE INTO records VALUES (?, ?, ?)')
  const update = database.prepare('UPDATE records SET token = ?2, text = ?3 WHERE key = ?1 AND token = ?4')

  const read = (text: string): StoredRecord | undefined => {
    const row = select.get(text) as { text: string } | undefined
    return row && (JSON.parse(row.text) as StoredRecord)
  }
  const write = (state: RecordState, condition: WriteCondition, facts: LocalFacts): PutOutcome => {
    const token = state.stamp
    const [key, text] = [keyText(state.key), JSON.stringify({ ...state, ...facts, token })]
    const { changes } =
      condition.kind === 'absent' ? insert.run(key, token, text) : update.run(key, token, text, condition.token)
    return changes === 1 ? { kind: 'stored', token } : { kind: 'changed' }
  }
  const refused = (): never => {
    throw new Error('This store is for taking states in alone.')
  }
  return {
    get: async (key) => read(keyText(key)),
    getMany: async (keys) => keys.map((key) => read(keyText(key))),
    put: async (state, condition, facts) => write(state, condition, facts),
    putMany: (writes) =>
      eachWrite(
        writes,
        (each) => each,
        async (items) => {
          database.exec('BEGIN')
          const outcomes = items.map(({ item }) => write(item.state, item.condition, item.facts))
          database.exec('COMMIT')
          return outcomes
        },
      ),
    query: refused,
    scanBuckets: refused,
    arrivals: refused,
  }
}
