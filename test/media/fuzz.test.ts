import { expect, test } from '@jest/globals'
import { fuzzCopies, goodOutcomes } from './fuzz-copies.ts'
import { dataFormats } from './fuzz-data.ts'
import { officeFormats } from './fuzz-documents.ts'
import { heifFormats, movingFormats, pictureFormats } from './fuzz-images.ts'
import { subtitleFormats } from './fuzz-subtitles.ts'
import { timedFormats } from './fuzz-timed.ts'

/** What became of each copy; throws for what must not be, with the words that bring it back. */
async function outcomesOf(name: string, range: Parameters<typeof fuzzCopies>[1]): Promise<string[]> {
  const outcomes: string[] = []
  const faults: string[] = []
  for await (const { copy, outcome } of fuzzCopies(name, range)) {
    outcomes.push(outcome)
    if (goodOutcomes.some((good) => good === outcome)) continue
    faults.push(`${outcome}: npm run fuzz -- --format ${name} --seed ${range.seed} --from ${copy} --copies ${copy + 1}`)
  }
  expect(faults).toEqual([])
  return outcomes
}

const anySeed = (): number => Math.floor(Math.random() * 1e6)

test.each(Object.keys(pictureFormats))('%s, damaged again and again, converts whole or is refused', async (name) => {
  const outcomes = await outcomesOf(name, { seed: anySeed(), copies: 40 })
  expect(outcomes).toHaveLength(40)
  expect(outcomes).toContain('refused')
  // A drawing that is not one any more is text.
  if (name !== 'svg') expect(outcomes).not.toContain('stored')
})

test.each(Object.keys({ ...movingFormats, ...subtitleFormats, ...dataFormats, ...officeFormats }))(
  '%s, damaged again and again, is read as far as it can be or refused',
  async (name) => void (await outcomesOf(name, { seed: anySeed(), copies: 8 })),
)

// These take longer: the second copy has flipped bits.
test.each([...Object.keys({ ...timedFormats, ...heifFormats }), 'pdf'])(
  '%s, damaged once, converts or is refused',
  async (name) => void (await outcomesOf(name, { seed: 1, from: 1, copies: 2 })),
)
