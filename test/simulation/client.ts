import { keyText, type RecordKey } from '../../shared/domain/record.ts'
import type { Site } from '../../shared/domain/site.ts'
import { joinVectors, type Vector } from '../../shared/replication/vector.ts'

export interface Client {
  readonly name: string
  home: Site
  session: Vector
  /** The vectors this client has seen, by record. */
  readonly seen: Map<string, Vector>
}

export const tenant = 'acme'
/** Brings bytes that the other one may have as well. */
export const rivalTenant = 'rival'

export function remember(client: Client, key: RecordKey, vector: Vector): void {
  client.session = joinVectors(client.session, vector)
  client.seen.set(keyText(key), joinVectors(client.seen.get(keyText(key)) ?? {}, vector))
}
