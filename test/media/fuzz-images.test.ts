import { expect, test } from '@jest/globals'
import { fuzzedFormats, fuzzImages } from './fuzz-images.ts'

const copies = 40

test.each(fuzzedFormats)('%s, damaged again and again, converts whole or is refused', async (format) => {
  const seed = Math.floor(Math.random() * 1e6)
  const report = await fuzzImages(format, seed, copies)
  // The seed shows with the failure: npm run fuzz:images -- --format <format> --seed <seed> --copies 40
  expect(report).toMatchObject({ format, seed, faults: [] })
  expect(report.converted + report.refused).toBe(copies)
  expect(report.refused).toBeGreaterThan(0)
})
