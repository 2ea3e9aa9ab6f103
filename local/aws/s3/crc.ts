import { crc32 } from 'node:zlib'

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
  return slicingCrc(name)
}

type Table = Uint32Array
type Eight = readonly [Table, Table, Table, Table, Table, Table, Table, Table]

interface Tables {
  readonly low: Eight
  readonly high: Eight
}

const slices = 8
const tablesByName = new Map<CrcName, Tables>()

/** Table k holds the remainder of each byte followed by k zero bytes, in two 32-bit halves. */
function tablesOf(name: CrcName): Tables {
  const known = tablesByName.get(name)
  if (known) return known
  const { polynomial } = crcPolynomials[name]
  const first = Array.from({ length: 256 }, (_, byte) => {
    let value = BigInt(byte)
    for (let bit = 0; bit < 8; bit++) value = value & 1n ? (value >> 1n) ^ polynomial : value >> 1n
    return value
  })
  const all = [first]
  for (let slice = 1; slice < slices; slice++) {
    all.push((all[slice - 1] ?? []).map((value) => (value >> 8n) ^ (first[Number(value & 0xffn)] ?? 0n)))
  }
  const tables = {
    low: all.map((table) => Uint32Array.from(table, (value) => Number(value & 0xffffffffn))) as unknown as Eight,
    high: all.map((table) => Uint32Array.from(table, (value) => Number(value >> 32n))) as unknown as Eight,
  }
  tablesByName.set(name, tables)
  return tables
}

/** Slicing by 8, eight bytes a step. Source: Kounavis and Berry, "A Systematic Approach to Building High Performance CRC Generators". */
function slicingCrc(name: 'CRC32C' | 'CRC64NVME'): RunningCrc {
  const { width } = crcPolynomials[name]
  const { low, high } = tablesOf(name)
  const [l0, l1, l2, l3, l4, l5, l6, l7] = low
  const [h0, h1, h2, h3, h4, h5, h6, h7] = high
  const wide = width === 64
  let lo = 0xffffffff
  let hi = wide ? 0xffffffff : 0
  const update = (data: Uint8Array): void => {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
    const whole = data.length - (data.length % slices)
    let at = 0
    for (; at < whole; at += slices) {
      const a = lo ^ view.getUint32(at, true)
      const b = hi ^ view.getUint32(at + 4, true)
      const a0 = a & 255
      const a1 = (a >>> 8) & 255
      const a2 = (a >>> 16) & 255
      const a3 = a >>> 24
      const b0 = b & 255
      const b1 = (b >>> 8) & 255
      const b2 = (b >>> 16) & 255
      const b3 = b >>> 24
      lo = at8(l7, a0) ^ at8(l6, a1) ^ at8(l5, a2) ^ at8(l4, a3) ^ at8(l3, b0) ^ at8(l2, b1) ^ at8(l1, b2) ^ at8(l0, b3)
      if (wide) {
        hi =
          at8(h7, a0) ^ at8(h6, a1) ^ at8(h5, a2) ^ at8(h4, a3) ^ at8(h3, b0) ^ at8(h2, b1) ^ at8(h1, b2) ^ at8(h0, b3)
      }
    }
    for (; at < data.length; at++) {
      const index = (lo ^ view.getUint8(at)) & 255
      lo = ((lo >>> 8) | (hi << 24)) ^ at8(l0, index)
      hi = (hi >>> 8) ^ at8(h0, index)
    }
  }
  const digest = (): Buffer =>
    wide ? bytesOf((BigInt(~hi >>> 0) << 32n) | BigInt(~lo >>> 0), 64) : bytesOf(BigInt(~lo >>> 0), 32)
  return { update, digest }
}

const at8 = (table: Uint32Array, index: number): number => table[index] as number

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
