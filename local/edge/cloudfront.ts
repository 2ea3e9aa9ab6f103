import { createVerify, type KeyObject } from 'node:crypto'
import { GetObjectCommand, HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { type Admission, decode, type EdgeRequest, type Gate, harmless, refuse, splitUrl } from './gate.ts'

export interface CloudFrontOptions {
  /** The key group: public keys by key pair id. */
  readonly publicKeys: ReadonlyMap<string, KeyObject>
  readonly s3: S3Client
  /** The bucket behind the first segment of a path. */
  readonly bucketOf: (segment: string) => string | undefined
  readonly now?: () => number
}

const signatureNames = new Set(['Expires', 'Signature', 'Key-Pair-Id'])
const originExpirySeconds = 60

/**
 * CloudFront's signed URLs with a canned policy: RSA-SHA1 over the policy's exact text, base64 with `+=/` written `-_~`.
 * Source: CloudFront Developer Guide, "Create a signed URL using a canned policy".
 */
export const cloudFrontGate = (options: CloudFrontOptions): Gate => ({
  headers: {
    ...harmless,
    // Any page may read what it has a signed URL of.
    'access-control-allow-origin': '*',
    'access-control-expose-headers': 'Content-Disposition, Content-Range, ETag',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'strict-transport-security': 'max-age=63072000; includeSubDomains',
  },
  admit: async (request) => admit(request, options),
})

function admit(request: EdgeRequest, options: CloudFrontOptions): Admission {
  const { path, pairs } = splitUrl(request.url)
  const signature = Object.fromEntries(pairs.filter(([name]) => signatureNames.has(name)))
  const rest = pairs.filter(([name]) => !signatureNames.has(name))
  const keyPairId = decode(signature['Key-Pair-Id'] ?? '')
  if (!keyPairId) return refuse(403, 'MissingKey', 'Missing Key-Pair-Id query parameter or cookie value')
  const publicKey = options.publicKeys.get(keyPairId)
  if (publicKey === undefined) return refuse(403, 'InvalidKey', 'Unknown Key')
  const query = rest.map(([name, value]) => `${name}=${value}`).join('&')
  const resource = `${request.origin}${path}${query === '' ? '' : `?${query}`}`
  const denied = refuse(403, 'AccessDenied', 'Access denied')
  const expires = signature.Expires ?? ''
  const nowMs = (options.now ?? Date.now)()
  if (!/^\d{1,12}$/.test(expires) || Number(expires) * 1000 <= nowMs) return denied
  if (!verifies(cannedPolicy(resource, expires), signature.Signature ?? '', publicKey)) return denied
  const key = decode(path.slice(1))
  const bucket = key === undefined ? undefined : options.bucketOf(key.split('/')[0] ?? '')
  if (key === undefined || bucket === undefined) return denied
  const overrides = rest.filter(([name]) => name.startsWith('response-'))
  return {
    kind: 'admitted',
    cacheKey: `${path}?${overrides
      .map(([name, value]) => `${name}=${value}`)
      .sort()
      .join('&')}`,
    originUrl: (method) => presign(options.s3, method, { bucket, key, overrides }),
  }
}

const cannedPolicy = (resource: string, expires: string): string =>
  `{"Statement":[{"Resource":"${resource}","Condition":{"DateLessThan":{"AWS:EpochTime":${Number(expires)}}}}]}`

function verifies(policy: string, signature: string, publicKey: KeyObject): boolean {
  const bytes = Buffer.from(
    (decode(signature) ?? '').replaceAll('-', '+').replaceAll('_', '=').replaceAll('~', '/'),
    'base64',
  )
  return createVerify('RSA-SHA1').update(policy).verify(publicKey, bytes)
}

interface Target {
  readonly bucket: string
  readonly key: string
  readonly overrides: readonly (readonly [string, string])[]
}

/** Reads the bucket with rights of its own, as a distribution does by its origin access control. */
async function presign(s3: S3Client, method: 'GET' | 'HEAD', { bucket, key, overrides }: Target): Promise<URL> {
  const named = new Map(overrides.map(([name, value]) => [name, decode(value.replaceAll('+', ' '))]))
  const input = {
    Bucket: bucket,
    Key: key,
    ResponseContentType: named.get('response-content-type'),
    ResponseContentDisposition: named.get('response-content-disposition'),
    ResponseContentLanguage: named.get('response-content-language'),
    ResponseContentEncoding: named.get('response-content-encoding'),
    ResponseCacheControl: named.get('response-cache-control'),
  }
  const command = method === 'GET' ? new GetObjectCommand(input) : new HeadObjectCommand(input)
  return new URL(await getSignedUrl(s3, command, { expiresIn: originExpirySeconds }))
}
