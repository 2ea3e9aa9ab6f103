import { combineCrc64, emptyCrc64 } from '../domain/crc64-combine.ts'
import { hashing, type Hashing } from '../domain/hashing.ts'
import type { UploadedPart } from '../ports/object-store.ts'
import { allParts, eachPart, type CopiedParts, type PartsRun } from './copy-run.ts'
import type { CopyState } from './missing-objects.ts'
import { readRange } from './ranged-read.ts'

/** What is held of an object at once, read, hashed or sent, unless one part alone is more. */
const heldBytesMax = 16 * 2 ** 20
const partsAtOnceMax = 4

type BytesState = CopyState & { by: 'bytes' }

/** Digests of the first so many parts. */
interface Hashed {
  readonly crc64nvme: string
  /** As a state to go on from; after the last part, the digest. */
  readonly sha256: string
}

/**
 * Parts are read and stored several at once, and hashed in their order in between. Every part's CRC goes along with it, so
 * that the store refuses other bytes; joined, the CRCs are that of the whole.
 */
export async function copyBytes(run: PartsRun, state: BytesState): Promise<CopiedParts> {
  const { services, work, hold, source, upload } = run
  const { signal } = hold
  const { bytes } = source.grant
  const { partBytes } = state
  const count = Math.max(1, Math.ceil(bytes / partBytes))
  const atOnce = Math.max(1, Math.min(partsAtOnceMax, Math.floor(heldBytesMax / partBytes)))
  const buffers = Array.from({ length: atOnce }, (): Uint8Array | undefined => undefined)
  const digests = inOrder(await hashing, state, count)
  const stored = new Map<number, UploadedPart>()
  const sleep = (ms: number, until: AbortSignal): Promise<void> => services.clock.sleep(ms, until)
  let turn: Promise<void> = Promise.resolve()
  let done = state.parts

  await eachPart({ first: state.parts + 1, last: count, atOnce }, signal, async (part, worker) => {
    const first = (part - 1) * partBytes
    const buffer = (buffers[worker] ??= Buffer.allocUnsafeSlow(partBytes))
    const target = buffer.subarray(0, Math.min(partBytes, bytes - first))
    const before = turn
    const hashing = (async () => {
      await readRange(work.fetchRange ?? work.fetch, { url: source.url, first, target, signal, sleep })
      await before
      return digests.take(part, target)
    })()
    turn = hashing.then(() => undefined)
    // Awaited by the part after it, if there is one.
    turn.catch(() => undefined)
    const crc = await hashing
    stored.set(
      part,
      await services.objects.putPart(upload, part, { kind: 'bytes', bytes: target, crc64nvme: crc }, signal),
    )
    const from = done
    while (stored.has(done + 1)) done++
    if (done > from && done < count) hold.save({ ...state, parts: done, ...digests.after(done) })
  })
  const parts = allParts(count, (part) => stored.get(part) ?? onlyOne(run.held, part))
  return { parts, digests: { bytes, ...digests.after(count) } }
}

function onlyOne(held: readonly UploadedPart[], part: number): UploadedPart | undefined {
  const found = held.filter((one) => one.part === part)
  return found.length === 1 ? found[0] : undefined
}

function inOrder(
  { crc64Of, sha256 }: Hashing,
  state: BytesState,
  count: number,
): { take(part: number, bytes: Uint8Array): string; after(part: number): Hashed } {
  const sha = sha256(state.parts === 0 ? undefined : state.sha256)
  const known = new Map<number, Hashed>()
  let whole = state.parts === 0 ? emptyCrc64 : state.crc64nvme
  return {
    take: (part, bytes) => {
      const crc = crc64Of(bytes)
      sha.update(bytes)
      whole = combineCrc64(whole, crc, bytes.byteLength)
      known.set(part, { crc64nvme: whole, sha256: part === count ? sha.hex() : sha.save() })
      return crc
    },
    after: (part) => {
      const found = known.get(part)
      if (!found) throw new RangeError(`Part ${part} was not hashed`)
      for (const earlier of known.keys()) if (earlier < part) known.delete(earlier)
      return found
    },
  }
}
