import { systemClock } from '../../shared/adapters/clock.ts'
import { windowedExpiry } from '../../shared/domain/expiry-window.ts'
import type { Delivery } from '../../shared/ports/delivery.ts'
import type { ObjectStoreOptions } from './object-bucket.ts'
import { sasSigner } from './object-signing.ts'

export interface DeliveryOptions extends ObjectStoreOptions {
  /** The edge's address, without a slash at its end. */
  readonly edgeUrl: string
}

/**
 * URLs of Front Door with a read-only service SAS, which the edge forwards to Blob Storage and which Blob Storage checks:
 *
 *   <edgeUrl>/<container>/<key>?sv=..&st=..&se=..&sr=b&sp=r&rscd=<disposition>&rsct=<media type>&sig=..
 *
 * The SAS signs `/blob/<account>/<container>/<key>`, so neither the host nor a prefix that the blob endpoint's path may have
 * matters. Start and expiry turn in windows, so the same request gives the same URL for a while.
 */
export function blobDelivery(options: DeliveryOptions): Delivery {
  const sign = sasSigner(options)
  const { edgeUrl, client, clock = systemClock } = options
  return {
    signedUrl: async (objectKey, { expiresAtMs, mediaType, disposition }) => {
      const { fromMs, untilMs } = windowedExpiry(clock.now(), expiresAtMs)
      const answer = { contentType: mediaType, contentDisposition: disposition }
      const url = await sign(objectKey, { permissions: 'r', startsMs: fromMs, expiresAtMs: untilMs, ...answer })
      // The client's own address ends where the container begins, with or without the account's name in the path.
      return `${edgeUrl}/${url.slice(client.url.replace(/\/*$/, '/').length)}`
    },
  }
}
