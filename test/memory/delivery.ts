import type { Clock } from '../../shared/ports/clock.ts'
import type { Delivery } from '../../shared/ports/delivery.ts'
import { windowedExpiry } from '../../shared/domain/expiry-window.ts'

/** URLs of an edge that does not exist; they change once a window, like the real ones. */
export const memoryDelivery = ({
  clock,
  edgeUrl = 'https://edge.test',
}: {
  readonly clock: Clock
  readonly edgeUrl?: string
}): Delivery => ({
  signedUrl: async (objectKey, { expiresAtMs, mediaType, disposition }) => {
    const { untilMs } = windowedExpiry(clock.now(), expiresAtMs)
    const url = new URL(`/${objectKey.split('/').map(encodeURIComponent).join('/')}`, edgeUrl)
    url.search = new URLSearchParams({ type: mediaType, disposition, expires: String(untilMs) }).toString()
    return url.href
  },
})
