import { expect, test } from '@jest/globals'
import { getAsset } from '../../shared/core/assets.ts'
import { objectDropped } from '../../shared/core/drops.ts'
import { derivedId } from '../../shared/domain/hash.ts'
import { dying, interrupted } from './crash.ts'
import { ingestWorld, tenant } from './ingest-world.ts'

const key = `drop/${tenant}/in/boat.jpg`
const id = derivedId('drop', tenant, 'in/boat.jpg')
const callsMax = 60

interface Meeting {
  /** At this call of the run that takes the file in, it goes, and its removal is dealt with. */
  readonly removedAt: number
  /** At this one the run dies. */
  readonly diesAt: number
  /** Whether an asset of an earlier file of that name was deleted before. */
  readonly isAgain: boolean
}

/** Whether the run came as far as to die, or to the call at which the file goes. Its event comes again, and no asset may be left. */
async function meet({ removedAt, diesAt, isAgain }: Meeting): Promise<boolean> {
  const world = await ingestWorld({ seed: removedAt * callsMax + diesAt })
  try {
    const { services, objects, events } = world.aws
    const drop = () => objects.put(key, Buffer.from('a boat'), { mediaType: 'image/jpeg' })
    if (isAgain) {
      await drop()
      await world.settle()
      await objects.remove(key)
      await world.settle()
    }
    await drop()
    const [creation] = events.splice(0, 1)
    if (!creation) throw new Error('nobody told of the file')
    let isRemoved = false
    const removal = async () => {
      isRemoved = true
      await objects.remove(key)
      for (const event of events.splice(0)) await objectDropped(services, event)
    }
    const run = dying(interrupted(services, removedAt, removal), { call: diesAt, when: 'after' })
    await objectDropped(run.services, creation).catch(() => undefined)
    if (run.hasDied()) await objectDropped(services, creation)
    await world.settle()
    if (!isRemoved) return false
    for (const site of [world.aws, world.azure]) {
      expect([removedAt, diesAt, await getAsset(site.services, tenant, id)]).toEqual([removedAt, diesAt, undefined])
    }
    return run.hasDied()
  } finally {
    await world.close()
  }
}

test.each([false, true])(
  'a file that goes at any call of the run that takes it in, which dies at any later one, leaves no asset (dropped again: %s)',
  async (isAgain) => {
    let runs = 0
    for (let removedAt = 1; removedAt < callsMax; removedAt++) {
      let diesAt = removedAt
      while (await meet({ removedAt, diesAt, isAgain })) diesAt++
      if (diesAt === removedAt) break
      runs += diesAt - removedAt
    }
    expect(runs).toBeGreaterThan(100)
  },
)
