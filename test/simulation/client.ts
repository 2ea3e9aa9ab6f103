import { keyText, type RecordKey } from '../../shared/domain/record.ts'
import type { Services } from '../../shared/core/services.ts'
import { type Origin, originOf, type Site } from '../../shared/domain/site.ts'
import { joinSessions, type Session } from '../../shared/replication/session.ts'
import { joinVectors, type Vector } from '../../shared/replication/vector.ts'

export interface Client {
  readonly name: string
  home: Site
  session: Session
  /** The vectors this client has seen, by record. */
  readonly seen: Map<string, Vector>
}

export const tenant = 'acme'
/** Brings bytes that the other one may have as well. */
export const rivalTenant = 'rival'

export const lifeOf = ({ site, incarnation }: Services): Origin => originOf(site, incarnation)

/** What a site showed it, in the life that it was in when it was asked. */
export function remember(client: Client, where: Origin, key: RecordKey, vector: Vector): void {
  client.session = joinSessions(client.session, { [where]: vector })
  client.seen.set(keyText(key), joinVectors(client.seen.get(keyText(key)) ?? {}, vector))
}
