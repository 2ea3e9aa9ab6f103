/**
 * The CRC-64/NVME of two pieces joined, from the CRC of each and the second's length: first times x^(8 * bytes) plus second,
 * over GF(2) modulo the polynomial. The identity of zlib's crc32_combine, for 64 bits; the stores use it for parts as well.
 */
const polynomial = 0x9a6c9329ac4bc9b5n
const top = 1n << 63n

/** Of nothing. */
export const emptyCrc64 = '0000000000000000'

/** 16 hex digits from 16 hex digits each; `secondBytes` up to 2^53. */
export function combineCrc64(first: string, second: string, secondBytes: number): string {
  const joined = multiply(shiftOf(secondBytes), BigInt(`0x${first}`)) ^ BigInt(`0x${second}`)
  return joined.toString(16).padStart(16, '0')
}

/** x^(8 * bytes); parts of an object are equally long but for the last, so two are worth keeping. */
const known = new Map<number, bigint>()
const knownMax = 64

function shiftOf(bytes: number): bigint {
  const found = known.get(bytes)
  if (found !== undefined) return found
  let power = top >> 1n // x, its lowest degree at the highest bit
  let shift = top // 1
  for (let bits = BigInt(bytes) * 8n; bits > 0n; bits >>= 1n) {
    if (bits & 1n) shift = multiply(power, shift)
    power = multiply(power, power)
  }
  if (known.size >= knownMax) known.clear()
  known.set(bytes, shift)
  return shift
}

function multiply(left: bigint, right: bigint): bigint {
  let product = 0n
  let factor = right
  for (let bit = top; bit > 0n; bit >>= 1n) {
    if (left & bit) product ^= factor
    factor = factor & 1n ? (factor >> 1n) ^ polynomial : factor >> 1n
  }
  return product
}
