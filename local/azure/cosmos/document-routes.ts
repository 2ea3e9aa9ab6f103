import type { Json } from '../../../shared/domain/json.ts'
import { atomicBatch, bulk } from './batch.ts'
import { readFeed } from './change-feed.ts'
import { type Conditions, Documents, requestCharge, type WriteResult, withSystemProperties } from './documents.ts'
import { badRequest } from './errors.ts'
import type { PatchBody } from './patch.ts'
import { runQuery } from './query.ts'
import { queryPlan } from './query-plan.ts'
import { type CosmosRequest, type CosmosResponse, isQuery, json } from './protocol.ts'
import { parseQuery } from './sql-parser.ts'
import type { Container, CosmosStore, Row } from './store.ts'

const pageItemsDefault = 100
const pageItemsMax = 1000

const isTrue = (value: string | undefined): boolean => value?.toLowerCase() === 'true'

const partitionHeader = ({ headers }: CosmosRequest): string | undefined => {
  const value = headers['x-ms-documentdb-partitionkey']
  if (value === undefined) return undefined
  const parsed: unknown = JSON.parse(value)
  if (!Array.isArray(parsed)) throw badRequest('The partition key header is not a JSON array.')
  return JSON.stringify(parsed)
}

const conditionsOf = ({ headers }: CosmosRequest): Conditions => ({
  ifMatch: headers['if-match'],
  ifNoneMatch: headers['if-none-match'],
})

const isMinimal = ({ headers }: CosmosRequest): boolean => headers.prefer?.includes('return=minimal') === true

function itemsMaxOf({ headers }: CosmosRequest): number {
  const asked = Number(headers['x-ms-max-item-count'] ?? pageItemsDefault)
  return asked >= 1 ? Math.min(asked, pageItemsMax) : pageItemsDefault
}

const common = (container: Container): Record<string, string> => ({
  'x-ms-session-token': `0:-1#${container.lsn}`,
  'x-ms-alt-content-path': `dbs/${container.database}/colls/${container.id}`,
  'x-ms-content-path': container.rid,
  lsn: String(container.lsn),
})

function documentAnswer(
  container: Container,
  status: number,
  row: Row | undefined,
  kind: 'read' | 'write',
  minimal = false,
): CosmosResponse {
  const headers: Record<string, string> = {
    ...common(container),
    'x-ms-request-charge': String(requestCharge(kind, row?.body.length ?? 0)),
  }
  if (row === undefined) return { status, headers }
  const answer = { status, headers: { ...headers, etag: row.etag } }
  return minimal ? answer : { ...answer, body: withSystemProperties(container, row) }
}

/** Every request under a container's `docs`. */
export function handleDocuments(store: CosmosStore, container: Container, request: CosmosRequest): CosmosResponse {
  const id = request.segments[5]
  if (id !== undefined) return oneDocument(store, container, request, id)
  if (request.method === 'GET') return feed(store, container, request)
  if (request.method !== 'POST') throw badRequest('No such operation on documents.')
  if (isTrue(request.headers['x-ms-cosmos-is-batch-request'])) return batch(store, container, request)
  if (isTrue(request.headers['x-ms-cosmos-is-query-plan-request']) || isQuery(request))
    return query(store, container, request)
  const mode = isTrue(request.headers['x-ms-documentdb-is-upsert']) ? 'upsert' : 'create'
  const document = JSON.parse(request.body) as Json
  const written = store.transaction(() =>
    new Documents(store, container).write(mode, document, partitionHeader(request), conditionsOf(request)),
  )
  return documentAnswer(container, written.status, written.row, 'write', isMinimal(request))
}

function oneDocument(store: CosmosStore, container: Container, request: CosmosRequest, id: string): CosmosResponse {
  const documents = new Documents(store, container)
  const partition = partitionHeader(request)
  if (partition === undefined) throw badRequest('PartitionKey value must be supplied for this operation.')
  const conditions = conditionsOf(request)
  const change = (work: () => WriteResult): CosmosResponse => {
    const { status, row } = store.transaction(work)
    return documentAnswer(container, status, row, 'write', isMinimal(request))
  }
  switch (request.method) {
    case 'GET': {
      const row = documents.read(partition, id)
      if (conditions.ifNoneMatch === row.etag) return { status: 304, headers: { ...common(container), etag: row.etag } }
      return documentAnswer(container, 200, row, 'read')
    }
    case 'PUT':
      return change(() => documents.write('replace', JSON.parse(request.body) as Json, partition, conditions, id))
    case 'PATCH':
      return change(() => documents.patch(partition, id, JSON.parse(request.body) as PatchBody, conditions))
    case 'DELETE':
      return change(() => documents.remove(partition, id, conditions))
    default:
      throw badRequest(`No such operation on a document: ${request.method}.`)
  }
}

function batch(store: CosmosStore, container: Container, request: CosmosRequest): CosmosResponse {
  const operations = JSON.parse(request.body) as Parameters<typeof bulk>[2]
  if (!isTrue(request.headers['x-ms-cosmos-batch-atomic'])) {
    const { status, results } = bulk(store, container, operations)
    return json(results as unknown as Json, status, common(container))
  }
  const partition = partitionHeader(request)
  if (partition === undefined) throw badRequest('A transactional batch needs a partition key.')
  const { status, results } = atomicBatch(store, container, operations, partition)
  return json(results as unknown as Json, status, common(container))
}

function query(store: CosmosStore, container: Container, request: CosmosRequest): CosmosResponse {
  const { headers } = request
  const body = JSON.parse(request.body) as { query: string; parameters?: { name: string; value?: Json }[] }
  const parsed = parseQuery(body.query)
  const parameters = new Map((body.parameters ?? []).map(({ name, value }) => [name, value]))
  if (isTrue(headers['x-ms-cosmos-is-query-plan-request'])) return json(queryPlan(parsed, parameters))
  const partition = partitionHeader(request)
  const scoped = partition !== undefined || headers['x-ms-documentdb-partitionkeyrangeid'] !== undefined
  if (!scoped && parsed.orderBy.length > 0) {
    const message = 'Cross partition query only supports filters here; the client is to use its query plan.'
    const info = JSON.stringify(queryPlan(parsed, parameters))
    const text = JSON.stringify({ code: 'BadRequest', message, additionalErrorInfo: info })
    return { status: 400, headers: { ...common(container), 'x-ms-substatus': '1004' }, body: text }
  }
  const page = runQuery(store, container, {
    query: parsed,
    parameters,
    partition,
    itemsMax: itemsMaxOf(request),
    continuation: headers['x-ms-continuation'],
  })
  const answer: Record<string, string> = {
    ...common(container),
    'x-ms-item-count': String(page.items.length),
    'x-ms-request-charge': String(requestCharge('query', page.bytes)),
  }
  if (page.continuation !== undefined) answer['x-ms-continuation'] = page.continuation
  return json({ _rid: container.rid, Documents: page.items, _count: page.items.length }, 200, answer)
}

/** The change feed, or a plain listing of documents when the request is not for changes. */
function feed(store: CosmosStore, container: Container, request: CosmosRequest): CosmosResponse {
  const { headers } = request
  const mode = headers['a-im']
  if (mode === undefined) {
    const page = runQuery(store, container, {
      query: parseQuery('SELECT * FROM c'),
      parameters: new Map(),
      partition: partitionHeader(request),
      itemsMax: itemsMaxOf(request),
      continuation: headers['x-ms-continuation'],
    })
    const more: Record<string, string> =
      page.continuation === undefined ? {} : { 'x-ms-continuation': page.continuation }
    const body = { _rid: container.rid, Documents: page.items, _count: page.items.length }
    return json(body, 200, { ...common(container), ...more, 'x-ms-item-count': String(page.items.length) })
  }
  if (mode.toLowerCase() !== 'incremental feed') throw badRequest('Only the latest-version change feed is served.')
  const { documents, lsn } = readFeed(store, container, {
    ifNoneMatch: headers['if-none-match'],
    ifModifiedSince: headers['if-modified-since'],
    partition: partitionHeader(request),
    itemsMax: itemsMaxOf(request),
  })
  const answer = { ...common(container), etag: `"${lsn}"`, 'x-ms-item-count': String(documents.length) }
  if (documents.length === 0) return { status: 304, headers: answer }
  const body = `{"_rid":"${container.rid}","Documents":[${documents.join(',')}],"_count":${documents.length}}`
  return { status: 200, headers: answer, body }
}
