import type { Json, JsonObject } from '../../../shared/domain/json.ts'
import { type Conditions, Documents, requestCharge, type WriteResult, withSystemProperties } from './documents.ts'
import { badRequest, CosmosError } from './errors.ts'
import type { PatchBody } from './patch.ts'
import type { Container, CosmosStore } from './store.ts'

interface BatchOperation {
  readonly operationType: string
  readonly id?: string
  readonly partitionKey?: string
  readonly resourceBody?: Json
  readonly ifMatch?: string
  readonly ifNoneMatch?: string
}

interface BatchResult {
  readonly statusCode: number
  readonly subStatusCode?: number
  readonly requestCharge: number
  readonly eTag?: string
  readonly resourceBody?: Json
  readonly message?: string
}

export const batchOperationsMax = 100

function perform(documents: Documents, operation: BatchOperation, partition: string | undefined): WriteResult {
  const conditions: Conditions = { ifMatch: operation.ifMatch, ifNoneMatch: operation.ifNoneMatch }
  const body = operation.resourceBody ?? null
  const id = operation.id ?? ''
  const own = partition ?? ''
  switch (operation.operationType) {
    case 'Create':
      return documents.write('create', body, partition, conditions)
    case 'Upsert':
      return documents.write('upsert', body, partition, conditions)
    case 'Replace':
      return documents.write('replace', body, partition, conditions, operation.id)
    case 'Read':
      return { status: 200, row: documents.read(own, id) }
    case 'Delete':
      return documents.remove(own, id, conditions)
    case 'Patch':
      return documents.patch(own, id, body as unknown as PatchBody, conditions)
    default:
      throw badRequest(`'${operation.operationType}' is not a batch operation.`)
  }
}

function success(container: Container, result: WriteResult): BatchResult {
  const charge = requestCharge('write', result.row?.body.length ?? 0)
  if (result.row === undefined) return { statusCode: result.status, requestCharge: charge }
  const resourceBody = JSON.parse(withSystemProperties(container, result.row)) as JsonObject
  return { statusCode: result.status, requestCharge: charge, eTag: result.row.etag, resourceBody }
}

const failure = (error: CosmosError): BatchResult => ({
  statusCode: error.status,
  subStatusCode: error.subStatus,
  requestCharge: 1,
  message: error.message,
})

const encoded = (partitionKey: string | undefined): string | undefined =>
  partitionKey === undefined ? undefined : JSON.stringify(JSON.parse(partitionKey))

export interface BatchAnswer {
  readonly status: 200 | 207
  readonly results: BatchResult[]
}

/** All operations in one partition, or none: after a failure the others answer 424. */
export function atomicBatch(
  store: CosmosStore,
  container: Container,
  operations: BatchOperation[],
  partition: string,
): BatchAnswer {
  checkCount(operations)
  const documents = new Documents(store, container)
  const results: BatchResult[] = []
  try {
    store.transaction(() => {
      for (const operation of operations) results.push(success(container, perform(documents, operation, partition)))
    })
    return { status: 200, results }
  } catch (error) {
    if (!(error instanceof CosmosError)) throw error
    const failedAt = results.length
    const others = operations.map((_, at) =>
      at === failedAt ? failure(error) : { statusCode: 424, requestCharge: 0, message: 'Failed Dependency' },
    )
    return { status: 207, results: others }
  }
}

/** Each operation by itself, whatever happens to the others. */
export function bulk(store: CosmosStore, container: Container, operations: BatchOperation[]): BatchAnswer {
  checkCount(operations)
  const documents = new Documents(store, container)
  const results = store.transaction(() =>
    operations.map((operation) => {
      store.db.exec('SAVEPOINT one')
      try {
        const result = success(container, perform(documents, operation, encoded(operation.partitionKey)))
        store.db.exec('RELEASE one')
        return result
      } catch (error) {
        store.db.exec('ROLLBACK TO one; RELEASE one')
        if (error instanceof CosmosError) return failure(error)
        throw error
      }
    }),
  )
  const status = results.every(({ statusCode }) => statusCode < 300) ? 200 : 207
  return { status, results }
}

function checkCount(operations: BatchOperation[]): void {
  if (!Array.isArray(operations) || operations.length === 0) throw badRequest('The batch holds no operations.')
  if (operations.length > batchOperationsMax)
    throw badRequest(`A batch holds at most ${batchOperationsMax} operations.`)
}
