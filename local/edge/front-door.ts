import { type Admission, decode, type EdgeRequest, type Gate, harmless, refuse, splitUrl } from './gate.ts'

export interface FrontDoorOptions {
  /** The blob endpoint with the account's path, without a slash at its end. */
  readonly blobEndpoint: string
  readonly now?: () => number
}

/**
 * Front Door in front of Blob Storage: path and query go on as they are and Blob Storage checks the shared access signature.
 * What is cached is found by path *and* query, so only the holder of the same signature gets it; Blob Storage is not asked
 * then, so the edge refuses a signature whose time is over by itself.
 */
export const frontDoorGate = (options: FrontDoorOptions): Gate => ({
  headers: {
    ...harmless,
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'cross-origin',
    'strict-transport-security': 'max-age=31536000; includeSubDomains',
  },
  admit: async (request) => admit(request, options),
})

function admit(request: EdgeRequest, { blobEndpoint, now = Date.now }: FrontDoorOptions): Admission {
  const { path, pairs } = splitUrl(request.url)
  const segments = decode(path)?.split('/')
  if (segments === undefined || segments.some((segment) => segment === '.' || segment === '..')) {
    return refuse(400, 'InvalidUri', 'The requested URI does not represent any resource on the server.')
  }
  const expiry = pairs.find(([name]) => name === 'se')?.[1]
  if (expiry !== undefined && !(Date.parse(decode(expiry) ?? '') > now())) {
    return refuse(
      403,
      'AuthenticationFailed',
      'Server failed to authenticate the request. Make sure the value of the Authorization header is formed correctly including the signature.',
    )
  }
  return {
    kind: 'admitted',
    cacheKey: request.url,
    originUrl: async () => new URL(`${blobEndpoint}${request.url}`),
  }
}
