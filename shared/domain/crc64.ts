/**
 * CRC-64/NVME (reflected polynomial 0x9A6C9329AC4BC9B5, all ones in and out), eight bytes a step over two 32-bit halves:
 * JavaScript's 64-bit integers are far too slow for bytes. The check value of "123456789" is 0xAE8B14860A799888.
 * Source: NVM Express NVM Command Set Specification 1.0, 5.2.1.3.4; slicing after Kounavis and Berry, 2008.
 */
const polynomialHigh = 0x9a6c9329
const polynomialLow = 0xac4bc9b5

const tables = makeTables()

function makeTables(): { readonly high: Uint32Array; readonly low: Uint32Array } {
  const high = new Uint32Array(8 * 256)
  const low = new Uint32Array(8 * 256)
  for (let byte = 0; byte < 256; byte++) {
    let h = 0
    let l = byte
    for (let bit = 0; bit < 8; bit++) {
      const odd = l & 1
      l = ((l >>> 1) | (h << 31)) >>> 0
      h >>>= 1
      if (odd) {
        h = (h ^ polynomialHigh) >>> 0
        l = (l ^ polynomialLow) >>> 0
      }
    }
    high[byte] = h
    low[byte] = l
  }
  for (let index = 256; index < 8 * 256; index++) {
    const h = at(high, index - 256)
    const l = at(low, index - 256)
    high[index] = ((h >>> 8) ^ at(high, l & 255)) >>> 0
    low[index] = (((l >>> 8) | (h << 24)) ^ at(low, l & 255)) >>> 0
  }
  return { high, low }
}

function at(table: Uint32Array, index: number): number {
  return table[index] as number
}

export interface Crc64 {
  update(bytes: Uint8Array): void
  /** 16 hex digits, most significant first. */
  hex(): string
}

export function crc64nvme(): Crc64 {
  let high = 0xffffffff
  let low = 0xffffffff
  return {
    update(bytes) {
      const { high: th, low: tl } = tables
      let h = high
      let l = low
      let i = 0
      for (const end = bytes.length - 7; i < end; i += 8) {
        l ^= at8(bytes, i)
        h ^= at8(bytes, i + 4)
        const a = 1792 + (l & 255)
        const b = 1536 + ((l >>> 8) & 255)
        const c = 1280 + ((l >>> 16) & 255)
        const d = 1024 + (l >>> 24)
        const e = 768 + (h & 255)
        const f = 512 + ((h >>> 8) & 255)
        const g = 256 + ((h >>> 16) & 255)
        const k = h >>> 24
        h = at(th, a) ^ at(th, b) ^ at(th, c) ^ at(th, d) ^ at(th, e) ^ at(th, f) ^ at(th, g) ^ at(th, k)
        l = at(tl, a) ^ at(tl, b) ^ at(tl, c) ^ at(tl, d) ^ at(tl, e) ^ at(tl, f) ^ at(tl, g) ^ at(tl, k)
      }
      for (; i < bytes.length; i++) {
        const index = (l ^ (bytes[i] as number)) & 255
        l = ((l >>> 8) | (h << 24)) ^ at(tl, index)
        h = (h >>> 8) ^ at(th, index)
      }
      high = h >>> 0
      low = l >>> 0
    },
    hex: () => digits(~high) + digits(~low),
  }
}

/** Four bytes, least significant first. */
const at8 = (bytes: Uint8Array, i: number): number =>
  (bytes[i] as number) |
  ((bytes[i + 1] as number) << 8) |
  ((bytes[i + 2] as number) << 16) |
  ((bytes[i + 3] as number) << 24)

const digits = (value: number): string => (value >>> 0).toString(16).padStart(8, '0')
