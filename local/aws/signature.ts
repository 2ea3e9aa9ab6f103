import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** The parts of a request that AWS Signature Version 4 covers. */
export interface SignableRequest {
  readonly method: string
  /** As received: path and query, still encoded. */
  readonly url: string
  readonly headers: Readonly<Record<string, readonly string[] | undefined>>
}

export interface VerifiedSignature {
  readonly accessKey: string
  readonly signature: string
  readonly signingKey: Buffer
  /** `20261122/us-east-1/s3/aws4_request` */
  readonly scope: string
  /** `20261122T014500Z` */
  readonly date: string
  /** What the signer said of the body: a hex SHA-256, `UNSIGNED-PAYLOAD` or a `STREAMING-` form. */
  readonly payload: string
}

/** `code` is the service's own error code. */
export class SignatureError extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.name = 'SignatureError'
    this.code = code
  }
}

interface Claim {
  readonly presigned: boolean
  readonly credential: string
  readonly signedHeaders: readonly string[]
  readonly signature: string
  readonly date: string
  readonly expiresSeconds?: number
}

export interface VerifyOptions {
  readonly service: 's3' | 'sqs'
  readonly secrets: Readonly<Record<string, string>>
  readonly nowMs: number
  /** The body's hash where the header does not carry it. */
  readonly bodyHash?: string
}

const skewMsMax = 15 * 60_000
const expiresSecondsMax = 7 * 24 * 3600
const denied = (message: string) => new SignatureError('AccessDenied', message)

/**
 * Checks a request signed in its headers or in its query.
 * Source: AWS Signature Version 4, "Authenticating Requests". Throws SignatureError.
 */
export function verifySignature(request: SignableRequest, options: VerifyOptions): VerifiedSignature {
  const queryAt = request.url.indexOf('?')
  const path = queryAt < 0 ? request.url : request.url.slice(0, queryAt)
  const query = queryPairs(queryAt < 0 ? '' : request.url.slice(queryAt + 1))
  const claim = claimInQuery(query) ?? claimInHeaders(request)
  if (!claim) throw denied('Access Denied')
  const [accessKey = '', day = '', region = '', service = '', end = ''] = claim.credential.split('/')
  const secret = options.secrets[accessKey]
  if (secret === undefined) {
    throw new SignatureError('InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.')
  }
  if (service !== options.service || end !== 'aws4_request' || !claim.date.startsWith(day) || !day) {
    throw new SignatureError('AuthorizationHeaderMalformed', 'The credential scope does not fit this service or date.')
  }
  checkTime(claim, options.nowMs)
  if (!claim.signedHeaders.includes('host')) throw denied('The host header must be signed.')

  const payload = payloadOf(request, claim, options)
  const canonical = [
    request.method,
    canonicalPath(path, options.service),
    canonicalQuery(query),
    claim.signedHeaders.map((name) => `${name}:${canonicalValue(request.headers[name])}\n`).join(''),
    claim.signedHeaders.join(';'),
    payload,
  ].join('\n')
  const scope = `${day}/${region}/${service}/aws4_request`
  const signingKey = signingKeyOf(secret, day, region, service)
  const text = `AWS4-HMAC-SHA256\n${claim.date}\n${scope}\n${sha256Latin1(canonical)}`
  const expected = createHmac('sha256', signingKey).update(text).digest()
  const given = Buffer.from(claim.signature, 'hex')
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new SignatureError(
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    )
  }
  return { accessKey, signature: claim.signature, signingKey, scope, date: claim.date, payload }
}

/** Header bytes arrive as Latin-1 text; hashing them the same way gives back the bytes the client signed. */
const sha256Latin1 = (text: string): string => createHash('sha256').update(text, 'latin1').digest('hex')

function signingKeyOf(secret: string, day: string, region: string, service: string): Buffer {
  const steps = [day, region, service, 'aws4_request']
  return steps.reduce<Buffer>(
    (key, step) => createHmac('sha256', key).update(step).digest(),
    Buffer.from(`AWS4${secret}`),
  )
}

function claimInQuery(query: readonly (readonly [string, string])[]): Claim | undefined {
  const get = (name: string) => query.find(([key]) => key === name)?.[1]
  const signature = get('X-Amz-Signature')
  if (signature === undefined) return undefined
  const expires = get('X-Amz-Expires')
  if (get('X-Amz-Algorithm') !== 'AWS4-HMAC-SHA256' || expires === undefined || !/^\d{1,7}$/.test(expires)) {
    throw new SignatureError(
      'AuthorizationQueryParametersError',
      'Query-string authentication needs its X-Amz- parameters.',
    )
  }
  const expiresSeconds = Number(expires)
  if (expiresSeconds < 1 || expiresSeconds > expiresSecondsMax) {
    throw new SignatureError('AuthorizationQueryParametersError', 'X-Amz-Expires must be 1 to 604800 seconds.')
  }
  return {
    presigned: true,
    credential: get('X-Amz-Credential') ?? '',
    signedHeaders: (get('X-Amz-SignedHeaders') ?? '').split(';'),
    signature,
    date: get('X-Amz-Date') ?? '',
    expiresSeconds,
  }
}

function claimInHeaders(request: SignableRequest): Claim | undefined {
  const header = request.headers.authorization?.[0]
  if (header === undefined) return undefined
  const match = /^AWS4-HMAC-SHA256\s+Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]+)$/.exec(
    header,
  )
  const [, credential, signedHeaders, signature] = match ?? []
  if (!credential || !signedHeaders || !signature) {
    throw new SignatureError('AuthorizationHeaderMalformed', 'The authorization header is malformed.')
  }
  const date = request.headers['x-amz-date']?.[0] ?? ''
  return { presigned: false, credential, signedHeaders: signedHeaders.split(';'), signature, date }
}

function checkTime(claim: Claim, nowMs: number): void {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(claim.date) ?? []
  const signedMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  if (Number.isNaN(signedMs)) throw denied('AWS authentication requires a valid Date or x-amz-date header')
  if (claim.expiresSeconds !== undefined) {
    if (nowMs > signedMs + claim.expiresSeconds * 1000) throw denied('Request has expired')
    if (signedMs - nowMs > skewMsMax) throw denied('Request is not valid yet')
  } else if (Math.abs(nowMs - signedMs) > skewMsMax) {
    const message = 'The difference between the request time and the current time is too large.'
    throw new SignatureError('RequestTimeTooSkewed', message)
  }
}

function payloadOf(request: SignableRequest, claim: Claim, options: VerifyOptions): string {
  const header = request.headers['x-amz-content-sha256']?.[0]
  if (claim.presigned) return header ?? 'UNSIGNED-PAYLOAD'
  if (options.service === 's3') {
    if (header === undefined) {
      throw new SignatureError('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256')
    }
    return header
  }
  return options.bodyHash ?? header ?? ''
}

const canonicalValue = (values: readonly string[] | undefined): string =>
  (values ?? []).map((value) => value.trim().replace(/ +/g, ' ')).join(',')

const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new SignatureError('InvalidURI', "Couldn't parse the specified URI.")
  }
}

/** S3 signs the path encoded once; the other services encode it twice. */
function canonicalPath(path: string, service: string): string {
  const once = path.split('/').map((segment) => encode(decode(segment)))
  return (service === 's3' ? once : once.map(encode)).join('/')
}

const queryPairs = (query: string): (readonly [string, string])[] =>
  query === ''
    ? []
    : query.split('&').map((pair) => {
        const at = pair.indexOf('=')
        return [
          decode(at < 0 ? pair : pair.slice(0, at)),
          at < 0 ? '' : decode(pair.slice(at + 1).replaceAll('+', '%20')),
        ]
      })

const canonicalQuery = (pairs: readonly (readonly [string, string])[]): string =>
  pairs
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&')
