import { hash } from 'node:crypto'

/**
 * Digests as they travel in an answer: 24 bits of each, four characters of base64url, one after the other. They are salted
 * anew for every run, so two that are equal by chance (once in 16 million) are told apart by the next: what decides that
 * nothing differs is the root's whole digest.
 */
export const packedDigestChars = 4

/** Nothing lies there. */
const packedNothing = 'AAAA'

export const packDigests = (salt: string, digests: readonly string[]): string =>
  digests.map((digest) => (digest === '' ? packedNothing : packDigest(salt, digest))).join('')

const packDigest = (salt: string, digest: string): string =>
  hash('sha256', `${salt}/${digest}`, 'base64url').slice(0, packedDigestChars)

export interface PackedDifference {
  readonly index: number
  /** Nothing lies there at the site that answered. */
  readonly isEmpty: boolean
}

/** Where `theirs` is another digest than ours; undefined when it is not as long as it should be. */
export function packedDifferences(
  salt: string,
  ours: readonly string[],
  theirs: string,
): PackedDifference[] | undefined {
  if (theirs.length !== ours.length * packedDigestChars) return undefined
  const packed = packDigests(salt, ours)
  return ours.flatMap((_, index) => {
    const at = index * packedDigestChars
    const their = theirs.slice(at, at + packedDigestChars)
    return their === packed.slice(at, at + packedDigestChars) ? [] : [{ index, isEmpty: their === packedNothing }]
  })
}
