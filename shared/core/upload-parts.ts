import { CatamaranError } from '../domain/errors.ts'
import type { UploadedPart } from '../ports/object-store.ts'
import type { Services } from './services.ts'

/** What both clouds take alike, in parts of at most 525 MiB. */
export const uploadBytesMax = 5 * 2 ** 40
export const partBytesMin = 8 * 2 ** 20
const partBytesStep = 2 ** 20
const partsSignedMax = 100

/**
 * How an upload is cut: as the client wants, or into parts of at least 8 MiB, larger when the store's count of parts would not
 * do otherwise. Throws `invalid-request` for parts that the store would not take, `too-large` for a file that it would not.
 */
export function partSizes(
  { objects: { supports } }: Pick<Services, 'objects'>,
  bytes: number | undefined,
  wanted?: number,
): { partBytes: number; parts: number } {
  if (bytes === undefined) {
    const errors = [{ pointer: '/bytes', detail: 'is required for a multipart upload' }]
    throw new CatamaranError('invalid-request', 'An upload in parts needs to know its bytes beforehand.', { errors })
  }
  const storeBytesMax = Math.min(uploadBytesMax, supports.partBytesMax * supports.partsMax)
  if (bytes > storeBytesMax) {
    throw new CatamaranError(
      'too-large',
      `An upload in parts holds at most ${storeBytesMax} bytes; this one has ${bytes}.`,
    )
  }
  const least = Math.max(partBytesMin, supports.partBytesMin, Math.ceil(bytes / supports.partsMax))
  const partBytes = wanted ?? Math.ceil(least / partBytesStep) * partBytesStep
  assertFits({ supports }, bytes, partBytes)
  return { partBytes, parts: Math.max(1, Math.ceil(bytes / partBytes)) }
}

/** A client that cuts the file itself names the size: then the smallest is what the narrower store takes. */
function assertFits({ supports }: Pick<Services['objects'], 'supports'>, bytes: number, partBytes: number): void {
  const least = Math.max(partBytesNarrowest, Math.ceil(bytes / supports.partsMax))
  if (partBytes >= least && partBytes <= supports.partBytesMax) return
  const detail = `must be ${least} to ${supports.partBytesMax}: at most ${supports.partsMax} parts make up ${bytes} bytes`
  throw new CatamaranError('invalid-request', `partBytes ${detail}`, { errors: [{ pointer: '/partBytes', detail }] })
}

/** S3 takes no smaller part, but for the last. */
const partBytesNarrowest = 5 * 2 ** 20

export function missingParts(arrived: readonly UploadedPart[], parts: number): number[] {
  const here = new Set(arrived.map(({ part }) => part))
  return Array.from({ length: parts }, (_, index) => index + 1).filter((part) => !here.has(part))
}

export function assertPartNumbers(numbers: readonly number[], parts: number): void {
  if (numbers.length > partsSignedMax) {
    throw new CatamaranError('invalid-request', `At most ${partsSignedMax} parts are signed at once.`)
  }
  const wrong = numbers.find((part) => !Number.isInteger(part) || part < 1 || part > parts)
  if (wrong === undefined) return
  throw new CatamaranError('invalid-request', `There is no part ${wrong}: this upload has parts 1 to ${parts}.`)
}

/** Throws `invalid-request` unless there is a checksum for every part, or for none where parts have none. */
export function assertPartSums(
  numbers: readonly number[],
  crcs: readonly string[] | undefined,
  partChecksums: 'crc64nvme' | undefined,
): void {
  if (crcs !== undefined && !partChecksums) {
    throw new CatamaranError('invalid-request', 'This upload was begun without checksums of its parts.')
  }
  if (!partChecksums || (crcs?.length ?? 0) === numbers.length) return
  throw new CatamaranError('invalid-request', 'Say the CRC-64/NVME of every part that is to be signed, in their order.')
}

/** A store that names parts by what is in them may hold two of one number: only the client could tell which is meant. */
export function assertOnce(parts: readonly UploadedPart[]): void {
  const twice = parts.find(({ part }, index) => parts[index - 1]?.part === part)
  if (!twice) return
  throw new CatamaranError(
    'conflict',
    `Part ${twice.part} came with different bytes; give this upload up and begin again.`,
  )
}
