import { CatamaranError } from '../../shared/domain/errors.ts'
import { sha256Hex } from '../../shared/domain/hash.ts'
import { hashing } from '../../shared/domain/hashing.ts'
import type { PartSource, StoredPart } from '../../shared/ports/object-store.ts'

type Fetch = (url: string, init: { readonly headers: Record<string, string> }) => Promise<Response>

const { crc64Of } = await hashing

/** Throws `invalid-request` for other bytes than were announced. */
export function assertCrc(bytes: Uint8Array, expected: string): void {
  if (crc64Of(bytes) !== expected) throw new CatamaranError('invalid-request', 'The bytes have another CRC')
}

export const storedPart = (part: number, bytes: Uint8Array): StoredPart => ({
  part,
  bytes: bytes.byteLength,
  etag: `"${sha256Hex(bytes).slice(0, 32)}"`,
  crc64nvme: crc64Of(bytes),
})

/** What the store itself reads from a URL; as many bytes as were asked for, whatever they are. */
export async function readUrl(
  fetch: Fetch | undefined,
  { url, range: { first, last } }: PartSource & { kind: 'url' },
): Promise<Uint8Array> {
  if (!fetch) throw new CatamaranError('invalid-request', 'This store copies from no URL')
  const response = await fetch(url, { headers: { range: `bytes=${first}-${last}` } }).catch(() => undefined)
  const bytes = response?.status === 206 ? new Uint8Array(await response.arrayBuffer()) : undefined
  if (bytes?.byteLength === last - first + 1) return bytes
  throw new CatamaranError('unavailable', 'The store did not read the URL')
}
