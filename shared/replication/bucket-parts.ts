import { keyDigits } from '../domain/hash.ts'
import { type DigestedEntry, digestOfBucket } from './digest.ts'

/**
 * Inside a bucket records divide by the next digits of their key's hash, 16 parts a digit, as deep as need be: a bucket of
 * any size is compared at a cost that follows the differences.
 */
export const partCount = 16

/** The entries that lie under these digits. */
export const inPart = <Entry extends DigestedEntry>(entries: readonly Entry[], digits: readonly number[]): Entry[] =>
  entries.filter(({ key }) => {
    const own = keyDigits(key)
    return digits.every((digit, place) => own[place] === digit)
  })

/** The entries by their digit at this place, 16 lists. */
export function partsOf<Entry extends DigestedEntry>(entries: readonly Entry[], place: number): Entry[][] {
  const parts = Array.from({ length: partCount }, (): Entry[] => [])
  for (const entry of entries) parts[keyDigits(entry.key)[place] ?? 0]?.push(entry)
  return parts
}

export const digestsOfParts = (parts: readonly (readonly DigestedEntry[])[]): string[] => parts.map(digestOfBucket)
