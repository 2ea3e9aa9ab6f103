import { createHmac, timingSafeEqual } from 'node:crypto'
import { CosmosError } from './errors.ts'

const unauthorized = (message: string): CosmosError => new CosmosError(401, 'Unauthorized', message)

const skewMsMax = 15 * 60 * 1000

const decoded = (path: string): string => {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

/**
 * Verifies a master-key token: HMAC-SHA256 over verb, resource type, resource link and date, each on its line. The link
 * is signed as the client names it, that is before or after percent-encoding, so each form of the path may match.
 * Throws 401 for a wrong key, 403 for a date more than 15 minutes away.
 */
export function verifyMasterKey(
  key: string,
  request: { readonly method: string; readonly headers: Readonly<Record<string, string | string[] | undefined>> },
  resource: { readonly type: string; readonly link: string },
): void {
  const date = String(request.headers['x-ms-date'] ?? request.headers.date ?? '')
  const token = new URLSearchParams(decoded(String(request.headers.authorization ?? '')).replaceAll('+', '%2B'))
  const signature = Buffer.from(token.get('sig') ?? '', 'base64')
  if (token.get('type') !== 'master' || signature.length === 0) {
    throw unauthorized('Required Header authorization is missing or is not a master key token.')
  }
  const once = decoded(resource.link)
  const links = new Set([resource.link, once, decoded(once)])
  const matches = [...links].some((link) => {
    const text = `${request.method.toLowerCase()}\n${resource.type}\n${link}\n${date.toLowerCase()}\n\n`
    const expected = createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest()
    return expected.length === signature.length && timingSafeEqual(expected, signature)
  })
  if (!matches) {
    throw unauthorized(
      "The input authorization token can't serve the request. The wrong key is being used or the expected payload is not built as per the protocol.",
    )
  }
  if (!(Math.abs(Date.now() - Date.parse(date)) <= skewMsMax)) {
    throw new CosmosError(403, 'Forbidden', 'The authorization token is not valid at the current time.')
  }
}
