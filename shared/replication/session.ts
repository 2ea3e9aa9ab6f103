import type { Origin } from '../domain/site.ts'
import { joinVectors, type Vector } from './vector.ts'

/** The newest stamps that a client has seen, by the life of the site that showed them. */
export type Session = Readonly<Partial<Record<Origin, Vector>>>

/** What a client has seen in either. */
export function joinSessions(a: Session, b: Session): Session {
  const joined: Partial<Record<Origin, Vector>> = { ...a }
  for (const [where, shown] of livesOf(b)) {
    joined[where] = joinVectors(joined[where] ?? {}, shown)
  }
  return joined
}

/**
 * What the client has seen that `here` may not hold: all but what it was shown here. That is held, for a site forgets nothing in
 * one life; what was shown before it went back to a backup was shown in another. Undefined: nothing.
 */
export function seenElsewhere(session: Session, here: Origin): Vector | undefined {
  const [first, ...rest] = livesOf(session).flatMap(([where, shown]) => (where === here ? [] : [shown]))
  return first && rest.reduce(joinVectors, first)
}

/** What each life of a site has shown. */
export const livesOf = (session: Session): [Origin, Vector][] => Object.entries(session) as [Origin, Vector][]
