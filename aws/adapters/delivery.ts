import { getSignedUrl } from '@aws-sdk/cloudfront-signer'
import { systemClock } from '../../shared/adapters/clock.ts'
import { objectPath } from '../../shared/adapters/object-path.ts'
import { windowedExpiry } from '../../shared/domain/expiry-window.ts'
import type { Clock } from '../../shared/ports/clock.ts'
import type { Delivery } from '../../shared/ports/delivery.ts'

export interface DeliveryOptions {
  /** The distribution's address, without a slash at its end. */
  readonly edgeUrl: string
  readonly keyPairId: string
  /** PEM of the RSA key whose public half the distribution's key group holds. */
  readonly privateKey: string
  readonly clock?: Clock
}

/**
 * CloudFront signed URLs with a canned policy (SHA-1 RSA, the default of CloudFront):
 *
 *   <edgeUrl>/<key>?response-content-disposition=..&response-content-type=..&Expires=<s>&Signature=..&Key-Pair-Id=..
 *
 * The signature covers the URL up to `Expires`, so the edge forwards and caches by the two response parameters safely.
 * Expiry turns in windows, so the same request gives the same URL for a while.
 */
export const cloudFrontDelivery = ({
  edgeUrl,
  keyPairId,
  privateKey,
  clock = systemClock,
}: DeliveryOptions): Delivery => ({
  signedUrl: async (objectKey, { expiresAtMs, mediaType, disposition }) => {
    const { untilMs } = windowedExpiry(clock.now(), expiresAtMs)
    const query = new URLSearchParams()
    if (disposition) query.set('response-content-disposition', disposition)
    if (mediaType) query.set('response-content-type', mediaType)
    const address = `${edgeUrl}/${objectPath(objectKey)}`
    const url = query.size > 0 ? `${address}?${query}` : address
    return getSignedUrl({ url, keyPairId, privateKey, dateLessThan: new Date(untilMs) })
  },
})
