import { expect, test } from '@jest/globals'
import { fuzzCopies, goodOutcomes } from './fuzz-copies.ts'
import { dataFormats } from './fuzz-data.ts'
import { officeFormats } from './fuzz-documents.ts'

const copies = 8

// Films, sounds and PDFs take longer: npm run fuzz:media
test.each(Object.keys({ ...dataFormats, ...officeFormats }))(
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
