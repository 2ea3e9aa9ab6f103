import { randomBytes } from 'node:crypto'
import { isJsonObject, type Json, type JsonObject } from '../../../shared/domain/json.ts'
import { badRequest, conflict, notFound, preconditionFailed, tooLarge } from './errors.ts'
import { applyPatch, type PatchBody } from './patch.ts'
import { atPath } from './sql-evaluate.ts'
import type { Container, CosmosStore, Row } from './store.ts'

/** 2 MB, measured as UTF-8 JSON. */
export const documentBytesMax = 2 * 1024 * 1024
const idBytesMax = 1023
const systemNames = new Set(['_rid', '_self', '_etag', '_ts', '_attachments', '_lsn'])

export interface Conditions {
  readonly ifMatch?: string | undefined
  readonly ifNoneMatch?: string | undefined
}

export type WriteMode = 'create' | 'upsert' | 'replace'

export interface WriteResult {
  readonly status: 200 | 201 | 204
  readonly row: Row | undefined
}

const documentRid = (container: Container, seq: number): string => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(seq))
  return `${container.rid.slice(0, 11)}${bytes.toString('base64').replaceAll('/', '-')}`
}

/** A document's JSON as the service gives it, with its system properties. */
export function withSystemProperties(container: Container, row: Row): string {
  const rid = documentRid(container, row.seq)
  const self = `dbs/${container.rid.slice(0, 6)}==/colls/${container.rid}/docs/${rid}/`
  const separator = row.body === '{}' ? '' : ','
  const system = `"_rid":"${rid}","_self":"${self}","_etag":${JSON.stringify(row.etag)},"_attachments":"attachments/","_ts":${row.ts}`
  return `${row.body.slice(0, -1)}${separator}${system}}`
}

/** The stored form of a partition key: a JSON array; a value that is not there is `{}`. */
export function partitionOf(container: Container, document: Json): string {
  return JSON.stringify(container.partitionPaths.map((path) => atPath(document, path) ?? {}))
}

function checkedId(document: JsonObject): string {
  const { id } = document
  if (typeof id !== 'string')
    throw badRequest("The input content is invalid because the required properties - 'id; ' - are missing")
  if (id === '' || /[/\\?#]/u.test(id)) throw badRequest('The id is empty or holds one of / \\ ? #.')
  if (Buffer.byteLength(id) > idBytesMax) throw badRequest(`The id is longer than ${idBytesMax} bytes.`)
  return id
}

/** The operations on one container's documents. Each is one SQLite transaction unless `within` one already. */
export class Documents {
  readonly #store: CosmosStore
  readonly #container: Container

  constructor(store: CosmosStore, container: Container) {
    this.#store = store
    this.#container = container
  }

  find(partition: string, id: string): Row | undefined {
    const sql = `SELECT seq, pk, id, body, etag, ts, lsn FROM ${this.#container.table}
      WHERE pk = ? AND id = ? AND (expires IS NULL OR expires > ?)`
    return this.#store.get(sql, partition, id, Math.floor(Date.now() / 1000)) as unknown as Row | undefined
  }

  read(partition: string, id: string): Row {
    const row = this.find(partition, id)
    if (row === undefined) throw notFound()
    return row
  }

  /** `partition` is what the request named; the document must agree with it (else 400, sub status 1001). */
  write(
    mode: WriteMode,
    document: Json,
    partition: string | undefined,
    conditions: Conditions,
    id?: string,
  ): WriteResult {
    if (!isJsonObject(document)) throw badRequest('The document is not a JSON object.')
    const documentId = checkedId(document)
    if (id !== undefined && id !== documentId)
      throw badRequest('The id in the document differs from the one in the request.')
    const own = partitionOf(this.#container, document)
    if (partition !== undefined && partition !== own) {
      throw badRequest("PartitionKey extracted from document doesn't match the one specified in the header.", 1001)
    }
    const old = this.find(own, documentId)
    if (mode === 'create' && old !== undefined) throw conflict()
    if (mode === 'replace' && old === undefined) throw notFound()
    if (old === undefined && conditions.ifMatch !== undefined && mode === 'upsert') throw preconditionFailed()
    this.#check(old, conditions)
    if (old !== undefined && conditions.ifNoneMatch === '*') throw preconditionFailed()
    return { status: old === undefined ? 201 : 200, row: this.#put(own, documentId, document, old) }
  }

  #check(row: Row | undefined, { ifMatch }: Conditions): void {
    if (ifMatch !== undefined && row !== undefined && ifMatch !== '*' && ifMatch !== row.etag)
      throw preconditionFailed()
  }

  #put(partition: string, id: string, document: JsonObject, old: Row | undefined): Row {
    const { table, defaultTtl } = this.#container
    const kept = Object.fromEntries(Object.entries(document).filter(([name]) => !systemNames.has(name)))
    const body = JSON.stringify(kept)
    if (Buffer.byteLength(body) > documentBytesMax) throw tooLarge()
    const { ttl } = document
    if (ttl !== undefined && (!Number.isInteger(ttl) || ttl === 0 || Number(ttl) < -1)) {
      throw badRequest('The ttl must be a nonzero positive whole number of seconds, or -1.')
    }
    const ts = Math.floor(Date.now() / 1000)
    const lsn = this.#store.nextLsn(this.#container)
    const etag = `"${lsn.toString(16).padStart(8, '0')}-${randomBytes(8).toString('hex')}"`
    const lifetime = defaultTtl === undefined ? -1 : typeof ttl === 'number' ? ttl : defaultTtl
    const expires = lifetime === -1 ? null : ts + lifetime
    if (old !== undefined) {
      const sql = `UPDATE ${table} SET body = ?, etag = ?, ts = ?, lsn = ?, expires = ? WHERE seq = ?`
      this.#store.run(sql, body, etag, ts, lsn, expires, old.seq)
      return { ...old, body, etag, ts, lsn }
    }
    // An expired document may still lie under the same key.
    this.#store.run(`DELETE FROM ${table} WHERE pk = ? AND id = ?`, partition, id)
    const sql = `INSERT INTO ${table} (pk, id, body, etag, ts, lsn, expires) VALUES (?, ?, ?, ?, ?, ?, ?)`
    const { lastInsertRowid } = this.#store.statement(sql).run(partition, id, body, etag, ts, lsn, expires)
    return { seq: Number(lastInsertRowid), pk: partition, id, body, etag, ts, lsn }
  }

  patch(partition: string, id: string, patch: PatchBody, conditions: Conditions): WriteResult {
    const old = this.read(partition, id)
    this.#check(old, conditions)
    const document = JSON.parse(withSystemProperties(this.#container, old)) as JsonObject
    const patched = applyPatch(document, patch)
    if (patched.id !== id || partitionOf(this.#container, patched) !== partition) {
      throw badRequest('A patch cannot change the id or the partition key.')
    }
    return { status: 200, row: this.#put(partition, id, patched, old) }
  }

  remove(partition: string, id: string, conditions: Conditions): WriteResult {
    const old = this.read(partition, id)
    this.#check(old, conditions)
    this.#store.run(`DELETE FROM ${this.#container.table} WHERE seq = ?`, old.seq)
    this.#store.nextLsn(this.#container)
    return { status: 204, row: undefined }
  }
}

/** Request units, roughly as the service counts them: reads 1 a KB, writes about 5.5 a KB. */
export function requestCharge(kind: 'read' | 'write' | 'query', bytes: number): number {
  const kilobytes = Math.max(1, Math.ceil(bytes / 1024))
  const units = kind === 'read' ? kilobytes : kind === 'write' ? 5 + 0.5 * kilobytes : 2.3 + 0.1 * kilobytes
  return Math.round(units * 100) / 100
}
