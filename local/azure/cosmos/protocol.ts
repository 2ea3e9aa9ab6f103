import type { Json } from '../../../shared/domain/json.ts'

/** One request, read whole. `segments` are the decoded parts of the path; `link` is the path without its end slashes. */
export interface CosmosRequest {
  readonly method: string
  readonly link: string
  readonly segments: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface CosmosResponse {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export const json = (value: Json, status = 200, headers: Record<string, string> = {}): CosmosResponse => ({
  status,
  headers,
  body: JSON.stringify(value),
})

export const isQuery = ({ headers }: CosmosRequest): boolean =>
  headers['content-type']?.startsWith('application/query+json') === true ||
  headers['x-ms-documentdb-isquery']?.toLowerCase() === 'true'
