import { describe, expect, test } from '@jest/globals'
import { readCorpus } from './corpus.ts'
import { hunt } from './planted.ts'
import { plantedBugs, type PlantedBug } from './planted-bugs.ts'
import { sourceOf, withBug } from './planting.ts'
import { overload } from './profile.ts'
import { startWorker } from './workers.ts'

/** Whatever the core does otherwise makes a seed go another way, so the seeds next to it are tried too. */
const seedsNearby = 300

test.each(readCorpus().flatMap((entry) => (entry.bug ? [[entry.bug, entry] as const] : [])))(
  'the corpus still finds: %s',
  async (name, { seed, override }) => {
    expect(await hunt({ ...bugNamed(name), override }, seed, seedsNearby)).toMatchObject({ broken: expect.any(String) })
  },
  120_000,
)

function bugNamed(name: string): PlantedBug {
  const bug = plantedBugs.find((each) => each.name === name)
  if (!bug) throw new Error(`no bug ${name}`)
  return bug
}

test('stores that can never do what is asked of them: the goodput says so', async () => {
  const worker = startWorker()
  try {
    const { broken } = await worker.run({ seed: 2, override: { ...overload, capacity: 3 } })
    expect(broken).toContainEqual(expect.stringMatching(/^17: goodput was 0\.\d+ after the overload$/))
  } finally {
    worker.stop()
  }
}, 60_000)

describe('planted bugs', () => {
  test.each(plantedBugs.map((bug) => [bug.name, bug] as const))('%s: the core holds its place', (_, bug) => {
    const source = sourceOf(bug)
    expect(withBug(bug, source)).not.toBe(source)
  })

  test('a text that the core no longer holds is not planted', () => {
    const [bug] = plantedBugs
    if (!bug) throw new Error('there are none')
    expect(() => withBug({ ...bug, find: 'no such text' }, sourceOf(bug))).toThrow('cannot be planted')
  })

  test.each(['drop the loser', 'the vector is not joined', 'confirmed by both whatever the peer says'])(
    '%s: is caught',
    async (name) => {
      expect(await hunt(bugNamed(name), 2, 100)).toMatchObject({ bug: name, broken: expect.any(String) })
    },
    120_000,
  )
})
