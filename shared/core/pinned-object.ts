import { CatamaranError } from '../domain/errors.ts'
import type { ByteRange } from '../ports/object-store.ts'
import type { Services } from './services.ts'

/** An object of which one state counts, of any size. */
export interface PinnedObject {
  readonly key: string
  readonly etag: string
  readonly bytes: number
}

/** Bytes of that very state: each answer says which one it is of. Throws `unavailable` when the object has another by now. */
export async function openPinned(
  services: Services,
  pinned: PinnedObject,
  range: ByteRange,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const body = await services.objects.get(pinned.key, range, signal)
  if (body?.etag === pinned.etag && body.bytes === pinned.bytes) return body.stream
  await body?.stream.cancel()
  throw new CatamaranError('unavailable', 'The bytes are not those any longer that were begun with.')
}
