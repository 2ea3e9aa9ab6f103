import { expect, test } from '@jest/globals'
import { fuzzCopies, goodOutcomes } from './fuzz-copies.ts'
import { dataFormats } from './fuzz-data.ts'

const copies = 8

// Films and sounds take longer: npm run fuzz:media
test.each(Object.keys(dataFormats))(
  '%s, damaged again and again, is read as far as it can be or refused',
  async (name) => {
    const seed = Math.floor(Math.random() * 1e6)
    const faults: string[] = []
    for await (const { copy, outcome } of fuzzCopies(name, { seed, copies })) {
      // The seed shows with the failure: npm run fuzz:media -- --format <name> --seed <seed> --copies 8
      if (!goodOutcomes.some((good) => good === outcome)) faults.push(`seed ${seed}, copy ${copy}: ${outcome}`)
    }
    expect(faults).toEqual([])
  },
)
