import { hash } from 'node:crypto'
import { bucketCount, keyText, recordShardCount, type RecordKey } from './record.ts'

export const sha256Hex = (data: string | Uint8Array): string => hash('sha256', data, 'hex')

export const sha256Base64Url = (data: string | Uint8Array): string => hash('sha256', data, 'base64url')

/** SHA-256 of a record's name, lower-case hex. Everything that follows from the name alone is read from it. */
export const keyDigest = (key: RecordKey): string => sha256Hex(keyText(key))

const bitsAt = (digest: string, at: number): number => Number.parseInt(digest.slice(at, at + 4), 16)

/** The reconcile bucket of a record: the first bits of its key's hash. */
export const bucketOf = (key: RecordKey): number => bucketOfDigest(keyDigest(key))

export const bucketOfDigest = (digest: string): number => bitsAt(digest, 0) >>> (16 - Math.log2(bucketCount))

/** The next bits of the key's hash after those that chose its bucket, as digits of base 16: they divide a bucket further. */
export function keyDigits(key: RecordKey): readonly number[] {
  const bytes = Buffer.from(keyDigest(key), 'hex')
  return Array.from({ length: keyDigitCount }, (_, place) => {
    const bit = Math.log2(bucketCount) + 4 * place
    return (bytes.readUInt16BE(bit >>> 3) >>> (12 - (bit & 7))) & 15
  })
}

export const keyDigitCount = 6

/** The shard of a record inside its collection, so that no logical partition outgrows its limits. */
export const shardOf = (key: RecordKey): number => shardOfDigest(keyDigest(key))

export const shardOfDigest = (digest: string): number => bitsAt(digest, 4) % recordShardCount

/** Crockford base 32 of the first 16 bytes of SHA-256: 26 characters, an id that the same parts always give. */
export function derivedId(...parts: readonly string[]): string {
  const digest = hash('sha256', parts.map((part) => `${Buffer.byteLength(part)}:${part}`).join(''), 'buffer')
  return base32(digest.subarray(0, 16))
}

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

export function base32(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let value = 0
  for (const byte of bytes) {
    value = (value << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += alphabet[(value >>> bits) & 31]
    }
    value &= (1 << bits) - 1
  }
  return bits > 0 ? text + alphabet[(value << (5 - bits)) & 31] : text
}
