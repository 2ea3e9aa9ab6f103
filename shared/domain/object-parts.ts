import { combineCrc64, emptyCrc64 } from './crc64-combine.ts'
import { CatamaranError } from './errors.ts'

interface Part {
  readonly part: number
  readonly bytes: number
  readonly etag: string
}

/** Throws `invalid-request` unless `parts` are parts 1 to n, each held by the store with the same bytes and tag. */
export function assertParts(parts: readonly Part[], held: readonly Part[]): void {
  const heldByPart = Map.groupBy(held, (one) => one.part)
  if (parts.length === 0) throw new CatamaranError('invalid-request', 'An upload has at least one part')
  for (const [index, { part, bytes, etag }] of parts.entries()) {
    if (part !== index + 1) throw new CatamaranError('invalid-request', `Part ${index + 1} is missing`)
    const found = heldByPart.get(part)
    if (!found) throw new CatamaranError('invalid-request', `Part ${part} was never uploaded`)
    if (!found.some((one) => one.bytes === bytes && one.etag === etag)) {
      throw new CatamaranError('invalid-request', `Part ${part} is not the part that was uploaded last`)
    }
  }
}

/** The CRC-64/NVME of parts joined, or undefined when that of one of them is not known. */
export function wholeCrc(
  parts: readonly { readonly bytes: number; readonly crc64nvme?: string }[],
): string | undefined {
  let whole = emptyCrc64
  for (const { bytes, crc64nvme } of parts) {
    if (crc64nvme === undefined) return undefined
    whole = combineCrc64(whole, crc64nvme, bytes)
  }
  return whole
}

/** Throws `invalid-request` when the parts' CRCs are known and do not make up `crc64nvme`. */
export function assertWhole(
  parts: readonly { readonly bytes: number; readonly crc64nvme?: string }[],
  crc64nvme: string | undefined,
): void {
  const found = crc64nvme === undefined ? undefined : wholeCrc(parts)
  if (found === undefined || found === crc64nvme) return
  throw new CatamaranError('invalid-request', `The parts make up the CRC ${found}, not ${crc64nvme}`)
}
