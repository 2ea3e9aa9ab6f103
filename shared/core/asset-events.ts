import type { JsonObject } from '../domain/json.ts'
import { getAsset } from './assets.ts'
import type { AssetView } from './asset-view.ts'
import type { Services } from './services.ts'

/** What an asset is doing, when that has changed. */
export interface AssetEvent {
  /** Of two looks that show the same, the same, at either site. */
  readonly id: string
  readonly name: 'status' | 'deleted'
  readonly data: JsonObject
  /** Nothing more will come. */
  readonly isLast: boolean
}

export interface WatchOptions {
  /** The event that the reader saw last: it is not told again. */
  readonly lastId?: string | undefined
  readonly lifeMs: number
  readonly signal: AbortSignal
}

const pollMs = 1_000
/** Something is said at least so often, so that nobody on the way takes the connection for dead. */
const silenceMsMax = 15_000

/**
 * An asset's way to `ready` or `failed`, as it is seen from here, for `lifeMs` at most; undefined when there was nothing to
 * tell for a while. Ends after the last event.
 */
export async function* watchAsset(
  services: Services,
  tenant: string,
  id: string,
  { lastId, lifeMs, signal }: WatchOptions,
): AsyncGenerator<AssetEvent | undefined> {
  const { clock } = services
  const endMs = clock.monotonicMs() + lifeMs
  let known = lastId
  let toldMs = clock.monotonicMs()
  for (;;) {
    const event = assetEvent(id, await getAsset(services, tenant, id))
    if (event.id !== known) {
      known = event.id
      toldMs = clock.monotonicMs()
      yield event
    } else if (clock.monotonicMs() - toldMs >= silenceMsMax) {
      toldMs = clock.monotonicMs()
      yield undefined
    }
    if (event.isLast || signal.aborted || clock.monotonicMs() + pollMs > endMs) return
    await clock.sleep(pollMs, signal).catch(() => undefined)
  }
}

/** What is to be told of an asset as it is now. */
export function assetEvent(id: string, view: AssetView | undefined): AssetEvent {
  if (!view) return { id: 'deleted', name: 'deleted', data: { id }, isLast: true }
  const { status, progress, error, etag } = view
  const isLast = status === 'ready' || status === 'failed'
  // The ETag is the same at both sites; progress, which is not under it, in whole hundredths.
  const hundredths = progress === undefined ? [] : [String(Math.floor(progress * 100))]
  const data = {
    id,
    status,
    ...(progress === undefined ? {} : { progress }),
    ...(error === undefined ? {} : { error }),
    etag,
  }
  return { id: [etag.replaceAll('"', ''), ...hundredths].join('.'), name: 'status', data, isLast }
}
