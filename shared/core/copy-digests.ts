import { createHash } from 'node:crypto'
import { combineCrc64, emptyCrc64 } from '../domain/crc64-combine.ts'
import { hashing } from '../domain/hashing.ts'
import type { BytesState } from './missing-objects.ts'

type Told = Pick<BytesState, 'parts' | 'crc64nvme' | 'sha256' | 'partDigests'>

/** Digests of an object's parts, which are taken in their order. */
export interface PartDigests {
  /** Of the next part, its CRC-64/NVME. */
  take(bytes: Uint8Array): string
  /** What a mark tells of the first `done` parts, for another run to go on from. Not asked for fewer later. */
  after(done: number): Told
  /** Of all parts, in hex. */
  whole(): { readonly crc64nvme: string; readonly sha256: string }
}

/** SHA-256 by a hash that can be put down and taken up again. Costs more than all the rest of a copy. */
export async function goingOn(state: BytesState): Promise<PartDigests> {
  const { crc64Of, sha256 } = await hashing
  const sha = sha256(state.parts === 0 ? undefined : state.sha256)
  const told = new Map<number, Told>()
  let taken = state.parts
  let crc64nvme = taken === 0 ? emptyCrc64 : state.crc64nvme
  return {
    take: (bytes) => {
      const crc = crc64Of(bytes)
      sha.update(bytes)
      crc64nvme = combineCrc64(crc64nvme, crc, bytes.byteLength)
      taken++
      told.set(taken, { parts: taken, crc64nvme, sha256: sha.save() })
      return crc
    },
    after: (done) => {
      const found = told.get(done)
      if (!found) throw new RangeError(`Part ${done} was not hashed`)
      for (const earlier of told.keys()) if (earlier < done) told.delete(earlier)
      return found
    },
    whole: () => ({ crc64nvme, sha256: sha.hex() }),
  }
}

/**
 * SHA-256 by the platform's own, many times as fast, which cannot be put down: a run that goes on reads all parts again, and
 * knows by the digest of each whether it is stored already. A CRC would not do: a peer in wrong hands can make other bytes of
 * the same.
 */
export async function inOneGo(): Promise<PartDigests> {
  const { crc64Of } = await hashing
  const sha = createHash('sha256')
  const partDigests: string[] = []
  let crc64nvme = emptyCrc64
  return {
    take: (bytes) => {
      const crc = crc64Of(bytes)
      sha.update(bytes)
      crc64nvme = combineCrc64(crc64nvme, crc, bytes.byteLength)
      partDigests.push(digestOfPart(bytes))
      return crc
    },
    after: (done) => ({ parts: 0, crc64nvme: '', sha256: '', partDigests: partDigests.slice(0, done) }),
    whole: () => ({ crc64nvme, sha256: sha.copy().digest('hex') }),
  }
}

export const digestOfPart = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('base64url')
