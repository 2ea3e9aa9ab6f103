import type { JsonObject } from '../domain/json.ts'

/** Samples per second the waveform is computed from: enough to draw, cheap to decode. */
export const waveformSampleRate = 8_000
const pairsMax = 4_096
const samplesPerPixelMin = 64

interface Waveform {
  /** Signed 16-bit little-endian mono at `waveformSampleRate`; chunks may end anywhere. */
  add(chunk: Buffer): void
  readonly samples: number
  /** The JSON that audiowaveform writes, version 2, 8 bits: minimum and maximum per pixel. */
  result(): JsonObject
}

/** Minimum and maximum per pixel of sound of any length at flat memory: when full, neighbours merge. */
export function waveform(): Waveform {
  const lows = new Int16Array(pairsMax)
  const highs = new Int16Array(pairsMax)
  let pairs = 0
  let perPixel = samplesPerPixelMin
  let inPixel = 0
  let [low, high] = [32_767, -32_768]
  let samples = 0
  let odd: number | undefined

  const close = (): void => {
    if (pairs === pairsMax) {
      for (let index = 0; index < pairsMax / 2; index++) {
        lows[index] = Math.min(lows[2 * index] ?? 0, lows[2 * index + 1] ?? 0)
        highs[index] = Math.max(highs[2 * index] ?? 0, highs[2 * index + 1] ?? 0)
      }
      pairs = pairsMax / 2
      // The pixel just filled is half a pixel now and stays open.
      perPixel *= 2
      return
    }
    lows[pairs] = low
    highs[pairs] = high
    pairs++
    inPixel = 0
    ;[low, high] = [32_767, -32_768]
  }
  const sample = (value: number): void => {
    samples++
    if (value < low) low = value
    if (value > high) high = value
    inPixel++
    if (inPixel === perPixel) close()
  }
  return {
    get samples() {
      return samples
    },
    add(chunk) {
      let start = 0
      if (odd !== undefined && chunk.length > 0) {
        sample(((odd | ((chunk[0] ?? 0) << 8)) << 16) >> 16)
        start = 1
        odd = undefined
      }
      const end = chunk.length - ((chunk.length - start) % 2)
      for (let index = start; index < end; index += 2) sample(chunk.readInt16LE(index))
      if (end < chunk.length) odd = chunk[end]
    },
    result() {
      const data: number[] = []
      for (let index = 0; index < pairs; index++) data.push((lows[index] ?? 0) >> 8, (highs[index] ?? 0) >> 8)
      if (inPixel > 0) data.push(low >> 8, high >> 8)
      return {
        version: 2,
        channels: 1,
        sample_rate: waveformSampleRate,
        samples_per_pixel: perPixel,
        bits: 8,
        length: data.length / 2,
        data,
      }
    },
  }
}
