import type { MediaBody } from '../domain/asset.ts'
import { CatamaranError } from '../domain/errors.ts'
import { openGranted } from './object-digests.ts'
import type { Services } from './services.ts'
import { streamToFile } from './work-file.ts'
import { assertRoomFor } from './work-room.ts'
import type { WorkTools } from './work-tools.ts'

/**
 * The original as a local file, from here, or from the peer while it is on its way; its size. It is taken only when it is the one
 * that was verified.
 */
export async function fetchOriginal(
  services: Services,
  work: WorkTools,
  { media, path, signal }: { readonly media: MediaBody; readonly path: string; readonly signal: AbortSignal },
): Promise<number> {
  const { objectKey, bytes = 0, sha256 } = media
  if (!objectKey) throw new CatamaranError('conflict', 'The asset has no bytes yet.')
  await assertRoomFor(work, bytes)
  const here = await services.objects.get(objectKey, undefined, signal)
  const stream = here?.stream ?? (await fromPeer(services, work, objectKey, signal))
  const digests = await streamToFile(stream, path, { bytesMax: bytes, signal })
  if (digests.sha256 === sha256) return bytes
  throw new CatamaranError('unavailable', 'The bytes of the original are not those that were verified.')
}

async function fromPeer(
  services: Services,
  work: WorkTools,
  objectKey: string,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const [grant] = await services.peer.grantRead([objectKey])
  if (grant) return openGranted(work, grant.url, signal)
  throw new CatamaranError('unavailable', 'The original is at neither site.')
}
