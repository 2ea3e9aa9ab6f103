import { CatamaranError } from '../domain/errors.ts'
import { isOrigin, type Origin } from '../domain/site.ts'
import { isStamp, stampOrigin } from '../domain/stamp.ts'
import { livesOf, type Session } from '../replication/session.ts'
import { entriesOf, type Vector } from '../replication/vector.ts'

const sessionCharsMax = 2048

/**
 * A session as its client carries it between the sites: base64url of `where:origin=stamp,where:origin=stamp` in the order of what
 * stands before the stamps. Equal for equal sessions.
 */
export function formatSession(session: Session): string {
  const entries = livesOf(session).flatMap(([where, shown]) =>
    entriesOf(shown).map(([origin, stamp]) => [`${where}:${origin}`, stamp] as const),
  )
  const sorted = entries.sort(([one], [other]) => (one < other ? -1 : 1))
  return Buffer.from(sorted.map((entry) => entry.join('=')).join(',')).toString('base64url')
}

const entryForm = /^([^:]+):([^=]+)=(.+)$/

/** Throws `invalid-request` when the text is not a session. */
export function parseSession(text: string): Session {
  const plain = text.length <= sessionCharsMax ? Buffer.from(text, 'base64url').toString() : ''
  const session: Partial<Record<Origin, Vector>> = {}
  for (const entry of plain.split(',')) {
    const [, where = '', origin = '', stamp] = entryForm.exec(entry) ?? []
    if (!isOrigin(where) || !isOrigin(origin) || !isStamp(stamp) || stampOrigin(stamp) !== origin) throw notOurs()
    session[where] = { ...session[where], [origin]: stamp }
  }
  if (formatSession(session) !== text) throw notOurs()
  return session
}

const notOurs = (): CatamaranError =>
  new CatamaranError('invalid-request', 'Catamaran-Session must be the value of an earlier answer, unchanged.')
