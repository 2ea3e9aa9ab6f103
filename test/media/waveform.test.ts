import { expect, test } from '@jest/globals'
import { chance } from '../../local/samples/chance.ts'
import { waveform } from '../../shared/media/waveform.ts'

test.each([0, 1, 63, 64, 65, 64 * 4096, 64 * 4096 + 1, 64 * 4096 + 64, 1_200_007])(
  'the peaks of %i samples equal those found with all samples in memory',
  (count) => {
    const next = chance(count)
    const samples = Int16Array.from({ length: count }, () => Math.floor(next() * 65_536) - 32_768)
    const bytes = Buffer.from(samples.buffer)
    const wave = waveform()
    for (let at = 0; at < bytes.length; ) {
      const end = at + 1 + Math.floor(next() * 70_000)
      wave.add(bytes.subarray(at, end))
      at = end
    }
    const result = wave.result()
    expect(wave.samples).toBe(count)
    const perPixel = Number(result.samples_per_pixel)
    const expected: number[] = []
    for (let at = 0; at < count; at += perPixel) {
      const part = samples.subarray(at, at + perPixel)
      expected.push(part.reduce((a, b) => Math.min(a, b)) >> 8, part.reduce((a, b) => Math.max(a, b)) >> 8)
    }
    expect(result.data).toEqual(expected)
    expect(result.length).toBe(Math.ceil(count / perPixel))
    expect(Number(result.length)).toBeLessThanOrEqual(4_097)
  },
)
