import { CatamaranError, hasCode } from '../domain/errors.ts'
import { quietly, readShare, type ReadWhole } from './large-digests.ts'
import type { Lease } from './lease.ts'
import type { PinnedObject } from './pinned-object.ts'
import type { Services } from './services.ts'

/** Of all the work on a file, so much is copying it. */
const copyShare = 0.1

export interface Keeping {
  readonly to: string
  readonly mediaType: string
}

/**
 * For files larger than the local disk: the store itself copies exactly the bytes that were read and verified, or nothing. A copy
 * that takes longer than a run goes on in the next.
 */
export async function keepByCopy(
  services: Services,
  lease: Lease,
  keeping: Keeping & { readonly pinned: PinnedObject; readonly whole: ReadWhole },
): Promise<void> {
  const { to, whole } = keeping
  if (!(await services.objects.head(to))) {
    lease.check()
    await copyOn(services, lease, keeping)
  }
  const copy = await services.objects.head(to)
  if (copy) await whole.noteCopy(copy)
}

async function copyOn(
  services: Services,
  lease: Lease,
  { pinned, whole, to, mediaType }: Keeping & { readonly pinned: PinnedObject; readonly whole: ReadWhole },
): Promise<void> {
  const { sha256, crc64nvme } = whole.digests
  const about = { mediaType, metadata: { sha256, crc64nvme }, ifMatch: pinned.etag, signal: lease.signal }
  let copying = whole.copying?.key === to ? whole.copying : undefined
  const begunAt = copying?.share ?? 0
  const resume = {
    upload: copying?.upload,
    begun: (upload: string): Promise<void> => {
      copying = { key: to, upload, share: 0 }
      return whole.noteCopying(copying)
    },
    copied: (share: number): void => {
      if (copying) copying = { ...copying, share }
      lease.progress(readShare + copyShare * share)
    },
  }
  try {
    await services.objects.copy(pinned.key, to, { ...about, resume })
  } catch (cause) {
    const reached = copying
    if (reached && reached.share > begunAt) {
      await quietly(services, lease, () => whole.noteCopying(reached))
    }
    if (!hasCode(cause, 'precondition-failed') && !hasCode(cause, 'not-found')) throw cause
    // The next run looks at what is there now.
    throw new CatamaranError('unavailable', 'The source changed before it was copied.', { cause })
  }
}
