import type { UploadedPart } from '../ports/object-store.ts'
import { digestOfPart, goingOn, inOneGo } from './copy-digests.ts'
import { allParts, eachPart, type CopiedParts, type PartsRun } from './copy-run.ts'
import type { BytesState } from './missing-objects.ts'
import { readRange } from './ranged-read.ts'

/** What is held of an object at once, read, hashed or sent, unless one part alone is more. */
const heldBytesMax = 16 * 2 ** 20
const partsAtOnceMax = 4
/** At most so much is read twice when a copy is stopped: some ten seconds of reading. */
const oneGoBytesMax = 2 ** 30

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
  const isNew = state.parts === 0 && !state.partDigests
  const digests = await (isNew && bytes <= (work.oneGoBytesMax ?? oneGoBytesMax) ? inOneGo() : goingOn(state))
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
      return digests.take(target)
    })()
    turn = hashing.then(() => undefined)
    // Awaited by the part after it, if there is one.
    turn.catch(() => undefined)
    const crc = await hashing
    const put = () => services.objects.putPart(upload, part, { kind: 'bytes', bytes: target, crc64nvme: crc }, signal)
    const told = state.partDigests?.[part - 1]
    const held = told !== undefined && told === digestOfPart(target) ? onlyOne(run.held, part) : undefined
    stored.set(part, held ?? (await put()))
    const from = done
    while (stored.has(done + 1)) done++
    if (done > from && done < count) hold.save({ ...state, ...digests.after(done) })
  })
  const parts = allParts(count, (part) => stored.get(part) ?? onlyOne(run.held, part))
  return { parts, digests: { bytes, ...digests.whole() } }
}

function onlyOne(held: readonly UploadedPart[], part: number): UploadedPart | undefined {
  const found = held.filter((one) => one.part === part)
  return found.length === 1 ? found[0] : undefined
}
