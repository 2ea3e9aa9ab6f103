import { CatamaranError } from '../domain/errors.ts'
import type { MultipartUpload, UploadedPart } from '../ports/object-store.ts'
import type { ReadGrant } from '../ports/peer.ts'
import type { CopyHold } from './copy-hold.ts'
import type { Services } from './services.ts'
import type { Digests } from './work-file.ts'
import type { WorkTools } from './work-tools.ts'

/** What a copy reads from: the grant it began with, and a URL that is renewed in time. */
export interface CopySource {
  readonly grant: ReadGrant
  readonly url: () => Promise<string>
}

/** What one run of a copy in parts works with. */
export interface PartsRun {
  readonly services: Services
  readonly work: WorkTools
  readonly hold: CopyHold
  readonly source: CopySource
  readonly upload: MultipartUpload
  /** Parts that an earlier run stored. */
  readonly held: readonly UploadedPart[]
}

export interface CopiedParts {
  /** In order, all of them. */
  readonly parts: readonly UploadedPart[]
  /** Of all bytes; without SHA-256 when they never passed through here. */
  readonly digests: Omit<Digests, 'sha256'> & { readonly sha256?: string }
}

/**
 * Runs `act` for each part from `first` to `last`, at most `atOnce` at a time. After a failure none begins any more, those
 * that began come to their end, since a part that gets stored stays stored, and the failure is thrown.
 */
export async function eachPart(
  { first, last, atOnce }: { readonly first: number; readonly last: number; readonly atOnce: number },
  signal: AbortSignal,
  act: (part: number, worker: number) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = []
  let next = first
  const run = async (_: unknown, worker: number): Promise<void> => {
    while (next <= last && failures.length === 0) {
      try {
        signal.throwIfAborted()
        await act(next++, worker)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, last - first + 1) }, run))
  signal.throwIfAborted()
  if (failures.length > 0) throw failures[0]
}

/** Throws `conflict` unless `parts` are all there. */
export function allParts(count: number, partOf: (part: number) => UploadedPart | undefined): UploadedPart[] {
  return Array.from({ length: count }, (_, index) => {
    const found = partOf(index + 1)
    if (!found) throw new CatamaranError('conflict', `Part ${index + 1} is not the only one of its number.`)
    return found
  })
}
