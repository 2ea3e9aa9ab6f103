import {
  BlobSASPermissions,
  generateBlobSASQueryParameters,
  SASProtocol,
  type ServiceGetUserDelegationKeyResponse,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'
import { systemClock } from '../../shared/adapters/clock.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import { calling } from './errors.ts'
import { blobOf, containerNameOf, type ObjectStoreOptions } from './object-bucket.ts'

export interface SasRequest {
  /** The letters of Blob Storage's own permissions, for instance `r` or `cw`. */
  readonly permissions: string
  readonly expiresAtMs: number
  readonly startsMs?: number
  readonly contentType?: string | undefined
  readonly contentDisposition?: string | undefined
  readonly cacheControl?: string | undefined
}

const dayMs = 24 * 3_600_000
const expiryMsMax = 5 * dayMs
/** Clocks of the service and of this machine may differ: a SAS without a start is valid at once, a delegation key is not. */
const clockSkewMs = 15 * 60_000

/**
 * Signs URLs of single blobs with a service SAS: by the account's key when the client has one, else by a user delegation key, which
 * is fetched once a day and kept. Throws `invalid-request` past five days.
 */
export function sasSigner(options: ObjectStoreOptions): (key: string, request: SasRequest) => Promise<string> {
  const { client, clock = systemClock } = options
  let held: { readonly key: Promise<ServiceGetUserDelegationKeyResponse>; readonly day: number } | undefined

  const delegationKey = (): Promise<ServiceGetUserDelegationKeyResponse> => {
    const day = Math.floor(clock.now() / dayMs)
    if (held?.day === day) return held.key
    const startsOn = new Date(day * dayMs - clockSkewMs)
    const expiresOn = new Date(startsOn.getTime() + 7 * dayMs)
    const key = calling('fetching a key to sign with', () => client.getUserDelegationKey(startsOn, expiresOn))
    held = { key, day }
    key.catch(() => {
      held = undefined
    })
    return key
  }

  return async (key, request) => {
    const { permissions, expiresAtMs, startsMs, contentType, contentDisposition, cacheControl } = request
    const nowMs = clock.now()
    if (expiresAtMs <= nowMs || expiresAtMs > nowMs + expiryMsMax) {
      throw new CatamaranError('invalid-request', 'A URL can be signed for at most five days')
    }
    const blob = blobOf(options, key)
    const values = {
      containerName: containerNameOf(options, key),
      blobName: key,
      permissions: BlobSASPermissions.parse(permissions),
      protocol: blob.url.startsWith('https:') ? SASProtocol.Https : SASProtocol.HttpsAndHttp,
      expiresOn: new Date(expiresAtMs),
      ...(startsMs === undefined ? {} : { startsOn: new Date(startsMs) }),
      ...(contentType ? { contentType } : {}),
      ...(contentDisposition ? { contentDisposition } : {}),
      ...(cacheControl ? { cacheControl } : {}),
    }
    const sas =
      client.credential instanceof StorageSharedKeyCredential
        ? generateBlobSASQueryParameters(values, client.credential)
        : generateBlobSASQueryParameters(values, await delegationKey(), client.accountName)
    return `${blob.url}?${sas}`
  }
}
