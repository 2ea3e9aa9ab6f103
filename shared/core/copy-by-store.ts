import { wholeCrc } from '../domain/object-parts.ts'
import type { UploadedPart } from '../ports/object-store.ts'
import { allParts, eachPart, type CopiedParts, type PartsRun } from './copy-run.ts'
import type { CopyState } from './missing-objects.ts'

const partsAtOnce = 8

type StoreState = CopyState & { by: 'store' }

/** This site's store reads the peer's part by part; only what it says of each, its CRC, comes here. */
export async function copyByStore(
  { services, hold, source, upload }: PartsRun,
  state: StoreState,
): Promise<CopiedParts> {
  const { bytes } = source.grant
  const { partBytes } = state
  const count = Math.ceil(bytes / partBytes)
  const lengthOf = (part: number): number => Math.min(partBytes, bytes - (part - 1) * partBytes)
  const stored = new Map<number, UploadedPart & { readonly crc64nvme: string }>(
    state.stored.map((one, index) => [index + 1, { part: index + 1, bytes: lengthOf(index + 1), ...one }]),
  )
  let done = stored.size
  await eachPart({ first: done + 1, last: count, atOnce: partsAtOnce }, hold.signal, async (part) => {
    const first = (part - 1) * partBytes
    const range = { first, last: first + lengthOf(part) - 1 }
    stored.set(
      part,
      await services.objects.putPart(upload, part, { kind: 'url', url: await source.url(), range }, hold.signal),
    )
    const from = done
    while (stored.has(done + 1)) done++
    if (done > from) hold.save({ ...state, stored: saved(stored, done) })
  })
  const parts = allParts(count, (part) => stored.get(part))
  return { parts, digests: { bytes, crc64nvme: wholeCrc(parts) ?? '' } }
}

const saved = (
  stored: ReadonlyMap<number, UploadedPart & { readonly crc64nvme: string }>,
  count: number,
): StoreState['stored'] =>
  Array.from({ length: count }, (_, index) => {
    const { etag = '', crc64nvme = '' } = stored.get(index + 1) ?? {}
    return { etag, crc64nvme }
  })
