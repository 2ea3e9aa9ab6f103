import { etagOf, writeRecord, type Precondition, type Written } from '../core/records.ts'
import { CatamaranError } from '../domain/errors.ts'
import type { Json, JsonObject } from '../domain/json.ts'
import { durabilityOf, idempotencyOf } from './answer.ts'
import { preconditionOf } from './conditions.ts'
import { mergePatch } from './merge-patch.ts'
import { lineTooLong, linesOf, type Line } from './ndjson.ts'
import { logWithheld, problemOf, publicError } from './problem.ts'
import { assertBodySize, clientKey, nextBody } from './record-view.ts'
import { decodeUtf8 } from './request-body.ts'
import type { AnyCall } from './route.ts'
import { batchLineSchema, type BatchLine } from './schemas/records.ts'
import { putOr412 } from './routes/records.ts'
import { parseStrictJson } from './strict-json.ts'
import { validate } from './validate.ts'

export const batchLineBytesMax = 400_000
export const batchLinesMax = 10_000
/** Lines worked on at the same time; lines on the same record keep their order. */
const batchConcurrency = 16

/** One answer line for every line of the batch, in the order of the batch. */
export async function* runBatch(
  call: AnyCall,
  collection: string,
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<JsonObject> {
  let window: Promise<JsonObject>[] = []
  let lastOf = new Map<string, Promise<unknown>>()
  for await (const line of linesOf(stream, batchLineBytesMax)) {
    if (line.number > batchLinesMax) {
      yield* await Promise.all(window)
      yield failure(
        call,
        line.number,
        new CatamaranError('too-large', `A batch may hold at most ${batchLinesMax} lines.`),
      )
      return
    }
    window.push(startLine(call, collection, line, lastOf))
    if (window.length < batchConcurrency) continue
    yield* await Promise.all(window)
    window = []
    lastOf = new Map()
  }
  yield* await Promise.all(window)
}

function startLine(
  call: AnyCall,
  collection: string,
  line: Line,
  lastOf: Map<string, Promise<unknown>>,
): Promise<JsonObject> {
  try {
    if (line.kind === 'too-long') throw lineTooLong(batchLineBytesMax)
    const json = parseStrictJson(decodeUtf8(line.bytes))
    const parsed = validate(batchLineSchema, json, 'body')
    const running = (lastOf.get(parsed.id) ?? Promise.resolve()).then(() =>
      runLine(call, collection, line.number, parsed, json),
    )
    lastOf.set(parsed.id, running)
    return running
  } catch (error) {
    return Promise.resolve(failure(call, line.number, error))
  }
}

async function runLine(
  call: AnyCall,
  collection: string,
  number: number,
  line: BatchLine,
  json: Json,
): Promise<JsonObject> {
  try {
    const { record, created, replayed } = await writeLine(call, collection, number, line, json)
    const status = line.op === 'delete' ? 204 : created ? 201 : 200
    const etag = record.deleted ? {} : { etag: etagOf(record) }
    return { line: number, status, id: line.id, version: record.stamp, ...etag, ...(replayed ? { replayed } : {}) }
  } catch (error) {
    return { ...failure(call, number, error), id: line.id }
  }
}

function writeLine(call: AnyCall, collection: string, number: number, line: BatchLine, json: Json): Promise<Written> {
  const { services, tenant } = call
  const durability = durabilityOf(call)
  const idempotency = idempotencyOf(call, json, String(number))
  const options = { precondition: preconditionOfLine(line), idempotency, durability }
  const key = clientKey(tenant, { collection, id: line.id })
  switch (line.op) {
    case 'put':
      assertBodySize(line.body)
      return putOr412(() => writeRecord(services, key, options, (now) => nextBody(now, line.body)))
    case 'patch':
      return writeRecord(services, key, options, (now) =>
        nextBody(now, assertBodySize(mergePatch(now ?? {}, line.body))),
      )
    case 'delete':
      return writeRecord(services, key, options, () => null)
  }
}

/** A line may go without a precondition: loading many records over whatever is there is what batches are for. */
function preconditionOfLine(line: BatchLine): Precondition {
  const ifNoneMatch = line.op === 'put' ? line.ifNoneMatch : undefined
  const stated = preconditionOf(
    { ifMatch: line.ifMatch, ifNoneMatch },
    { required: false, mayCreate: line.op === 'put' },
  )
  return stated.kind === 'none' && line.op !== 'put' ? { kind: 'exists' } : stated
}

function failure(call: AnyCall, number: number, error: unknown): JsonObject {
  const requestId = call.c.get('requestId')
  logWithheld(call.services.telemetry, 'A batch line failed', { requestId, line: number }, error)
  const problem = problemOf(publicError(error))
  return { line: number, status: problem.status, problem: problem as unknown as JsonObject }
}
