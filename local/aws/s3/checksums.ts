import { createHash } from 'node:crypto'
import { combineCrc, createCrc, crcPolynomials, type CrcName } from './crc.ts'
import { S3Error } from './errors.ts'

export const checksumNames = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const
export type ChecksumName = (typeof checksumNames)[number]

export interface Checksum {
  readonly name: ChecksumName
  /** Base64; a composite ends in `-<parts>`. */
  readonly value: string
  readonly type: 'FULL_OBJECT' | 'COMPOSITE'
}

export interface RunningHash {
  update(data: Uint8Array): void
  digest(): Buffer
}

const digestBytes: Readonly<Record<ChecksumName, number>> = { CRC32: 4, CRC32C: 4, CRC64NVME: 8, SHA1: 20, SHA256: 32 }

export const checksumHeader = (name: ChecksumName): string => `x-amz-checksum-${name.toLowerCase()}`

export const isChecksumName = (text: string | undefined): text is ChecksumName =>
  checksumNames.some((name) => name === text)

export const isCrc = (name: ChecksumName): name is CrcName => name in crcPolynomials

export function createHasher(name: ChecksumName | 'MD5'): RunningHash {
  if (name === 'CRC32' || name === 'CRC32C' || name === 'CRC64NVME') return createCrc(name)
  const hash = createHash(name.toLowerCase())
  return {
    update: (data) => {
      hash.update(data)
    },
    digest: () => hash.digest(),
  }
}

/** The checksum a request promises in a header or, by `x-amz-trailer`, behind its body. Throws `InvalidRequest`. */
export function promisedChecksum(
  headers: Readonly<Record<string, string | undefined>>,
): { readonly name: ChecksumName; readonly value?: string } | undefined {
  const given = checksumNames.filter((name) => headers[checksumHeader(name)] !== undefined)
  if (given.length > 1) throw new S3Error('InvalidRequest', 'Expecting a single x-amz-checksum- header.')
  const [name] = given
  if (name) {
    const value = headers[checksumHeader(name)] ?? ''
    if (Buffer.from(value, 'base64').length !== digestBytes[name]) {
      throw new S3Error('InvalidRequest', `Value for ${checksumHeader(name)} header is invalid.`)
    }
    return { name, value }
  }
  const trailer = headers['x-amz-trailer']?.trim().toLowerCase()
  const trailing = checksumNames.find((candidate) => checksumHeader(candidate) === trailer)
  return trailing ? { name: trailing } : undefined
}

export interface PartChecksum {
  readonly bytes: number
  readonly checksum: string
}

/** The CRC of the whole, from its parts' CRCs. */
export function fullObjectChecksum(name: CrcName, parts: readonly PartChecksum[]): Checksum {
  const [first, ...rest] = parts
  const start = Buffer.from(first?.checksum ?? '', 'base64')
  const whole = rest.reduce<Buffer>(
    (crc, part) => combineCrc(name, crc, Buffer.from(part.checksum, 'base64'), part.bytes),
    start,
  )
  return { name, value: whole.toString('base64'), type: 'FULL_OBJECT' }
}

/** The checksum of the parts' checksums. */
export function compositeChecksum(name: ChecksumName, parts: readonly PartChecksum[]): Checksum {
  const hash = createHasher(name)
  for (const part of parts) hash.update(Buffer.from(part.checksum, 'base64'))
  return { name, value: `${hash.digest().toString('base64')}-${parts.length}`, type: 'COMPOSITE' }
}
