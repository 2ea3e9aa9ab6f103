import { expect, test } from '@jest/globals'
import { fetchMissing, wantObject } from '../../shared/core/missing-objects.ts'
import type { Services } from '../../shared/core/services.ts'
import { sweep } from '../../shared/core/sweep.ts'
import type { MediaBody } from '../../shared/domain/asset.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import { copyWorld, type CopyWorld } from './copy-world.ts'

const key = `objects/t/a/${'0'.repeat(64)}`
const target = { tenant: 't', asset: 'a', key }

const media: MediaBody = {
  status: 'ready',
  version: 'v',
  job: 'j',
  site: 'aws',
  bytes: 7,
  objectKey: key,
  properties: {},
  renditions: [],
}

/** The queue takes no message until told. */
function refusing(world: CopyWorld): Services & { refuses: boolean } {
  const services = {
    ...world.services,
    refuses: true,
    jobs: {
      ...world.queue,
      send: (async (message, options) => {
        if (services.refuses) throw new CatamaranError('unavailable', 'the queue is away')
        return world.queue.send(message, options)
      }) satisfies Services['jobs']['send'] as Services['jobs']['send'],
    },
  }
  return services
}

const waiting = async (world: CopyWorld): Promise<number> => (await world.queue.depth()).waiting

test('an object whose message could not be sent is asked for by whoever tries again, once', async () => {
  const world = copyWorld()
  const services = refusing(world)
  const looked = () => fetchMissing(services, 't', 'a', media, 'peer')
  await expect(looked()).rejects.toMatchObject({ code: 'unavailable' })
  await expect(looked()).rejects.toMatchObject({ code: 'unavailable' })
  expect(await world.missing(key)).toMatchObject({ bytes: 7, attempts: 0 })
  services.refuses = false
  await Promise.all([looked(), looked(), looked()])
  expect(await waiting(world)).toBe(1)
  await looked()
  expect(await waiting(world)).toBe(1)
  expect((await world.missing(key))?.dueMs).toBeGreaterThan(world.clock.now())
})

test('nobody tries again: the next sweep sends what could not be sent', async () => {
  const world = copyWorld()
  const services = refusing(world)
  await expect(wantObject(services, target)).rejects.toMatchObject({ code: 'unavailable' })
  services.refuses = false
  expect(await sweep(services)).toMatchObject({ copies: 1 })
  expect(await waiting(world)).toBe(1)
})

test('when not even the mark can say so, the sweep comes to it all the same', async () => {
  const world = copyWorld()
  const services = refusing(world)
  const { siteStore } = world.services
  let puts = 0
  const mute = {
    ...services,
    siteStore: {
      ...siteStore,
      put: (...args: Parameters<typeof siteStore.put>) =>
        ++puts > 1 ? Promise.reject(new CatamaranError('throttled', 'later')) : siteStore.put(...args),
    },
  }
  await expect(wantObject(mute, target)).rejects.toMatchObject({ code: 'unavailable' })
  services.refuses = false
  expect(await sweep(services)).toMatchObject({ copies: 0 })
  await world.clock.advance(61_000)
  expect(await sweep(services)).toMatchObject({ copies: 1 })
})
