import { crc32 } from 'node:zlib'
import { hashing } from '../../../shared/domain/hashing.ts'

const { crc64 } = await hashing

export interface RunningCrc {
  update(data: Uint8Array): void
  /** Big-endian bytes, as S3 encodes them. */
  digest(): Buffer
}

export const crcPolynomials = {
  CRC32: { width: 32, polynomial: 0xedb88320n },
  CRC32C: { width: 32, polynomial: 0x82f63b78n },
  CRC64NVME: { width: 64, polynomial: 0x9a6c9329ac4bc9b5n },
} as const

export type CrcName = keyof typeof crcPolynomials

export function createCrc(name: CrcName): RunningCrc {
  if (name === 'CRC32') {
    let value = 0
    return {
      update: (data) => {
        value = crc32(data, value)
      },
      digest: () => bytesOf(BigInt(value), 32),
    }
  }
  if (name === 'CRC32C') return crc32c()
  const running = crc64()
  return { update: (data) => running.update(data), digest: () => Buffer.from(running.hex(), 'hex') }
}

type Table = Uint32Array
type Eight = readonly [Table, Table, Table, Table, Table, Table, Table, Table]

const slices = 8

/** Table k holds the remainder of each byte followed by k zero bytes. */
const tables = makeTables(Number(crcPolynomials.CRC32C.polynomial))

function makeTables(polynomial: number): Eight {
  const first = Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1
    return value
  })
  const all = [first]
  for (let slice = 1; slice < slices; slice++) {
    const before = all[slice - 1] as Table
    all.push(before.map((value) => (value >>> 8) ^ at8(first, value & 255)))
  }
  return all as unknown as Eight
}

/** Slicing by 8, eight bytes a step. Source: Kounavis and Berry, "A Systematic Approach to Building High Performance CRC Generators". */
function crc32c(): RunningCrc {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables
  let crc = 0xffffffff
  const update = (data: Uint8Array): void => {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
    const whole = data.length - (data.length % slices)
    let at = 0
    for (; at < whole; at += slices) {
      const a = crc ^ view.getUint32(at, true)
      const b = view.getUint32(at + 4, true)
      crc =
        at8(t7, a & 255) ^
        at8(t6, (a >>> 8) & 255) ^
        at8(t5, (a >>> 16) & 255) ^
        at8(t4, a >>> 24) ^
        at8(t3, b & 255) ^
        at8(t2, (b >>> 8) & 255) ^
        at8(t1, (b >>> 16) & 255) ^
        at8(t0, b >>> 24)
    }
    for (; at < data.length; at++) crc = (crc >>> 8) ^ at8(t0, (crc ^ view.getUint8(at)) & 255)
  }
  return { update, digest: () => bytesOf(BigInt(~crc >>> 0), 32) }
}

function at8(table: Uint32Array, index: number): number {
  return table[index] as number
}

function bytesOf(value: bigint, width: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(value)
  return bytes.subarray(8 - width / 8)
}

/**
 * The CRC of two pieces joined, from the CRC of each and the second's length: a.crc times x^(8 * bytes) plus b.crc.
 * The same identity as zlib's crc32_combine, for any reflected polynomial.
 */
export function combineCrc(name: CrcName, first: Buffer, second: Buffer, secondBytes: number): Buffer {
  const { width, polynomial } = crcPolynomials[name]
  const top = 1n << BigInt(width - 1)
  const multiply = (left: bigint, right: bigint): bigint => {
    let product = 0n
    let factor = right
    for (let bit = top; bit > 0n; bit >>= 1n) {
      if (left & bit) product ^= factor
      factor = factor & 1n ? (factor >> 1n) ^ polynomial : factor >> 1n
    }
    return product
  }
  let power = top >> 1n // x
  let shift = top // 1
  for (let bits = BigInt(secondBytes) * 8n; bits > 0n; bits >>= 1n) {
    if (bits & 1n) shift = multiply(power, shift)
    power = multiply(power, power)
  }
  const value = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString('hex')}`)
  return bytesOf(multiply(shift, value(first)) ^ value(second), width)
}
