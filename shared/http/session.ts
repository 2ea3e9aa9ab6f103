import { CatamaranError } from '../domain/errors.ts'
import { isOrigin } from '../domain/site.ts'
import { isStamp, stampOrigin } from '../domain/stamp.ts'
import { vectorText, type Vector } from '../replication/vector.ts'

const sessionCharsMax = 1024

/** The newest stamps a client has seen, as it carries them between the sites: base64url of the vector's text. */
export const formatSession = (seen: Vector): string => Buffer.from(vectorText(seen)).toString('base64url')

/** Throws `invalid-request` when the text is not a session. */
export function parseSession(text: string): Vector {
  const plain = text.length <= sessionCharsMax ? Buffer.from(text, 'base64url').toString() : ''
  const entries = plain.split(',').map((entry) => {
    const [origin = '', stamp, ...rest] = entry.split('=')
    if (!isOrigin(origin) || !isStamp(stamp) || stampOrigin(stamp) !== origin || rest.length > 0) throw notOurs()
    return [origin, stamp] as const
  })
  const session: Vector = Object.fromEntries(entries)
  if (formatSession(session) !== text) throw notOurs()
  return session
}

const notOurs = (): CatamaranError =>
  new CatamaranError('invalid-request', 'Catamaran-Session must be the value of an earlier answer, unchanged.')
