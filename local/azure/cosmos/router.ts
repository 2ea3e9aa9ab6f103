import type { Json, JsonObject } from '../../../shared/domain/json.ts'
import { handleDocuments } from './document-routes.ts'
import { badRequest, CosmosError, ownerNotFound, notFound, throttled } from './errors.ts'
import { type CosmosRequest, type CosmosResponse, isQuery, json } from './protocol.ts'
import { evaluate } from './sql-evaluate.ts'
import { parseQuery } from './sql-parser.ts'
import type { Container, CosmosStore } from './store.ts'

const databaseJson = (row: Record<string, unknown>): JsonObject => ({
  id: String(row.id),
  _rid: String(row.rid),
  _self: `dbs/${String(row.rid)}/`,
  _etag: `"${String(row.rid)}"`,
  _colls: 'colls/',
  _users: 'users/',
  _ts: Number(row.ts),
})

const containerJson = (container: Container): JsonObject => ({
  indexingPolicy: { indexingMode: 'consistent', automatic: true, includedPaths: [{ path: '/*' }], excludedPaths: [] },
  conflictResolutionPolicy: { mode: 'LastWriterWins', conflictResolutionPath: '/_ts', conflictResolutionProcedure: '' },
  ...container.definition,
  _rid: container.rid,
  _self: `dbs/${container.rid.slice(0, 6)}==/colls/${container.rid}/`,
  _etag: `"${container.rid}"`,
  _docs: 'docs/',
  _sprocs: 'sprocs/',
  _triggers: 'triggers/',
  _udfs: 'udfs/',
  _conflicts: 'conflicts/',
})

/** A list of databases or containers, filtered when the request carries a query. */
function listed(request: CosmosRequest, name: string, all: JsonObject[]): CosmosResponse {
  let found: Json[] = all
  if (request.method === 'POST') {
    const { query, parameters } = JSON.parse(request.body) as {
      query: string
      parameters?: { name: string; value: Json }[]
    }
    const parsed = parseQuery(query)
    const known = new Map((parameters ?? []).map((parameter) => [parameter.name, parameter.value]))
    found = all.filter((document) => {
      const scope = { alias: parsed.alias, document, parameters: known }
      return parsed.where === undefined || evaluate(parsed.where.condition, scope) === true
    })
  }
  return json({ _rid: '', [name]: found, _count: found.length }, 200, { 'x-ms-item-count': String(found.length) })
}

/** Answers every path of the account. */
export class Router {
  readonly #store: CosmosStore
  #throttle = { next: 0, retryAfterMs: 10 }

  constructor(store: CosmosStore) {
    this.#store = store
  }

  /** Not of the service: `POST /_local/throttle {"next": 5, "retryAfterMs": 10}` makes the next requests answer 429. */
  control(request: CosmosRequest): CosmosResponse {
    if (request.method !== 'POST' || request.segments[1] !== 'throttle') throw notFound()
    const { next, retryAfterMs } = JSON.parse(request.body) as { next: number; retryAfterMs?: number }
    this.#throttle = { next, retryAfterMs: retryAfterMs ?? 10 }
    return json({ next })
  }

  handle(request: CosmosRequest): CosmosResponse {
    const { segments, method } = request
    const [dbs, databaseId, colls, containerId, kind] = segments
    if (segments.length === 0 && method === 'GET') return this.#account(request)
    if (dbs === 'offers') return json({ _rid: '', Offers: [], _count: 0 })
    if (dbs !== 'dbs') throw notFound()
    if (databaseId === undefined) return this.#databases(request)
    if (colls === undefined) return this.#database(request, databaseId)
    if (colls !== 'colls') throw notFound()
    if (containerId === undefined) return this.#containers(request, databaseId)
    const container = this.#store.find(databaseId, containerId)
    if (kind === undefined) return this.#container(request, container)
    if (container === undefined) throw ownerNotFound()
    if (kind === 'pkranges') return this.#ranges(container)
    if (kind !== 'docs')
      throw new CosmosError(404, 'NotFound', `'${kind}' is not served by the local Cosmos DB server.`)
    if (this.#throttle.next > 0) {
      this.#throttle.next -= 1
      throw throttled(this.#throttle.retryAfterMs)
    }
    return handleDocuments(this.#store, container, request)
  }

  #account({ headers }: CosmosRequest): CosmosResponse {
    const locations = [{ name: 'Local', databaseAccountEndpoint: `http://${headers.host ?? '127.0.0.1'}/` }]
    return json({
      _self: '',
      id: 'local',
      _rid: 'local',
      media: '//media/',
      addresses: '//addresses/',
      _dbs: '//dbs/',
      writableLocations: locations,
      readableLocations: locations,
      enableMultipleWriteLocations: false,
      userConsistencyPolicy: { defaultConsistencyLevel: 'Session' },
      userReplicationPolicy: { asyncReplication: false, minReplicaSetSize: 1, maxReplicasetSize: 4 },
      systemReplicationPolicy: { minReplicaSetSize: 1, maxReplicasetSize: 4 },
      readPolicy: { primaryReadCoefficient: 1, secondaryReadCoefficient: 1 },
    })
  }

  #databases(request: CosmosRequest): CosmosResponse {
    if (request.method === 'GET' || isQuery(request)) {
      return listed(request, 'Databases', this.#store.databases().map(databaseJson))
    }
    if (request.method !== 'POST') throw badRequest('No such operation on databases.')
    const { id } = JSON.parse(request.body) as { id: string }
    return json(databaseJson(this.#store.createDatabase(id)), 201)
  }

  #database(request: CosmosRequest, id: string): CosmosResponse {
    if (request.method === 'DELETE') {
      if (!this.#store.deleteDatabase(id)) throw notFound()
      return { status: 204 }
    }
    const row = this.#store.database(id)
    if (row === undefined) throw notFound()
    return json(databaseJson(row))
  }

  #containers(request: CosmosRequest, database: string): CosmosResponse {
    if (this.#store.database(database) === undefined) throw ownerNotFound()
    if (request.method === 'GET' || isQuery(request)) {
      return listed(request, 'DocumentCollections', this.#store.containers(database).map(containerJson))
    }
    if (request.method !== 'POST') throw badRequest('No such operation on containers.')
    return json(containerJson(this.#store.createContainer(database, JSON.parse(request.body) as JsonObject)), 201)
  }

  #container(request: CosmosRequest, container: Container | undefined): CosmosResponse {
    if (container === undefined) throw notFound()
    if (request.method === 'DELETE') {
      this.#store.deleteContainer(container)
      return { status: 204 }
    }
    if (request.method === 'PUT') {
      return json(containerJson(this.#store.replaceContainer(container, JSON.parse(request.body) as JsonObject)))
    }
    return json(containerJson(container), 200, { etag: `"${container.rid}"`, 'x-ms-content-path': container.rid })
  }

  /** One range holds everything. */
  #ranges(container: Container): CosmosResponse {
    const range = {
      id: '0',
      minInclusive: '',
      maxExclusive: 'FF',
      ridPrefix: 0,
      _rid: `${container.rid}RANGE`,
      _self: `colls/${container.rid}/pkranges/0/`,
      _etag: '"0"',
      _ts: 0,
      throughputFraction: 1,
      status: 'online',
      parents: [],
    }
    const body: Json = { _rid: container.rid, PartitionKeyRanges: [range], _count: 1 }
    return json(body, 200, { etag: '"1"', 'x-ms-item-count': '1' })
  }
}
