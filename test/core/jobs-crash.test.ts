import { expect, test } from '@jest/globals'
import { completeUpload, createAsset, getAsset } from '../../shared/core/assets.ts'
import { objectDropped } from '../../shared/core/drops.ts'
import { handleChanges } from '../../shared/core/feed.ts'
import { runJob } from '../../shared/core/jobs.ts'
import type { Services } from '../../shared/core/services.ts'
import { sweep } from '../../shared/core/sweep.ts'
import { uploadPlan } from '../../shared/core/uploads.ts'
import { derivedId } from '../../shared/domain/hash.ts'
import { dying, type CrashPoint } from './crash.ts'
import { faultsOf, ingestWorld, tenant, type IngestSite, type IngestWorld } from './ingest-world.ts'

const bytes = Buffer.from('a picture of a boat')
const callsMax = 200

/** Runs `act` at a process that dies at the n-th call, for every n before it gets through; then heals and checks. */
async function atEveryCall(
  when: CrashPoint['when'],
  prepare: (world: IngestWorld) => Promise<string>,
  act: (world: IngestWorld, id: string, make: (site: IngestSite) => Services) => Promise<void>,
): Promise<number> {
  for (let call = 1; call < callsMax; call++) {
    const world = await ingestWorld({ seed: call })
    try {
      const id = await prepare(world)
      const died: (() => boolean)[] = []
      const make = (site: IngestSite): Services => {
        const made = dying(site.services, { call, when })
        died.push(made.hasDied)
        return made.services
      }
      await act(world, id, make).catch(() => undefined)
      await world.settle()
      await world.pass(8)
      const faults = faultsOf(world)
      if (faults.length > 0) throw new Error(`died ${when} call ${call}:\n${faults.join('\n')}`)
      for (const site of [world.aws, world.azure]) {
        expect(await getAsset(site.services, tenant, id)).toMatchObject({ status: 'ready', bytesHere: true })
      }
      if (!died.some((hasDied) => hasDied())) return call
    } finally {
      await world.close()
    }
  }
  throw new Error('It never got through.')
}

async function uploaded({ aws }: IngestWorld): Promise<string> {
  const input = { name: 'boat.jpg', mediaType: 'image/jpeg', upload: 'single' } as const
  const { asset } = await createAsset(aws.services, tenant, input)
  const plan = await uploadPlan(aws.services, tenant, asset.id)
  if (plan.kind === 'single') await aws.objects.fetch(plan.request.url, { method: 'PUT', body: bytes })
  return asset.id
}

async function completed(world: IngestWorld): Promise<string> {
  const id = await uploaded(world)
  await completeUpload(world.aws.services, tenant, id)
  return id
}

/** A job that a dead process held: its message is delivered again later, as a queue does. */
async function runFirst(site: IngestSite, services: Services): Promise<void> {
  const delivery = site.queue.receive()
  if (!delivery) throw new Error('no job')
  try {
    await runJob(services, site.work, delivery.message, new AbortController().signal)
    delivery.acknowledge()
  } catch {
    delivery.fail(30_000)
  }
}

test.each(['before', 'after'] as const)('complete dies %s any call; the client says it again', async (when) => {
  const calls = await atEveryCall(when, uploaded, async (world, id, make) => {
    await completeUpload(make(world.aws), tenant, id).catch(() => undefined)
    await completeUpload(world.aws.services, tenant, id)
  })
  expect(calls).toBeGreaterThan(12)
})

test.each(['before', 'after'] as const)(
  'complete dies %s any call after the bytes were taken; the client goes away',
  async (when) => {
    const calls = await atEveryCall(when, uploaded, async (world, id, make) => {
      await completeUpload(make(world.aws), tenant, id).catch(() => undefined)
      await world.settle()
      await world.pass(3)
      // Before the bytes were taken nobody knows that they are all there: then only the client can say it.
      const view = await getAsset(world.aws.services, tenant, id)
      if (view?.status === 'awaiting-upload') await completeUpload(world.aws.services, tenant, id)
    })
    expect(calls).toBeGreaterThan(12)
  },
)

test.each(['before', 'after'] as const)('processing dies %s any call', async (when) => {
  const calls = await atEveryCall(when, completed, (world, _id, make) => runFirst(world.aws, make(world.aws)))
  expect(calls).toBeGreaterThan(20)
})

test.each(['before', 'after'] as const)('the feed dies %s any call', async (when) => {
  const calls = await atEveryCall(when, completed, async (world, _id, make) => {
    await runFirst(world.aws, world.aws.services)
    for (const site of [world.aws, world.azure]) {
      const changes = site.feed.splice(0, 100)
      const services = make(site)
      await handleChanges(services, changes).catch(() => undefined)
      // Delivered again, in another order.
      await handleChanges(site.services, changes.reverse())
    }
  })
  expect(calls).toBeGreaterThan(10)
})

test.each(['before', 'after'] as const)('a copy dies %s any call', async (when) => {
  const prepare = async (world: IngestWorld): Promise<string> => {
    const id = await completed(world)
    await runFirst(world.aws, world.aws.services)
    await handleChanges(world.aws.services, world.aws.feed.splice(0, 100))
    await handleChanges(world.azure.services, world.azure.feed.splice(0, 100))
    return id
  }
  const calls = await atEveryCall(when, prepare, (world, _id, make) => runFirst(world.azure, make(world.azure)))
  expect(calls).toBeGreaterThan(5)
})

test.each(['before', 'after'] as const)('a drop dies %s any call; its event comes again', async (when) => {
  const prepare = async ({ azure }: IngestWorld): Promise<string> => {
    await azure.objects.put(`drop/${tenant}/in/boat.jpg`, bytes, { mediaType: 'image/jpeg' })
    return derivedId('drop', tenant, 'in/boat.jpg')
  }
  const calls = await atEveryCall(when, prepare, async (world, _id, make) => {
    const [event] = world.azure.events
    if (event) await objectDropped(make(world.azure), event)
  })
  expect(calls).toBeGreaterThan(12)
})

test.each(['before', 'after'] as const)('the sweep dies %s any call', async (when) => {
  const prepare = async (world: IngestWorld): Promise<string> => {
    const id = await completed(world)
    world.aws.queue.receive()?.acknowledge()
    await handleChanges(world.aws.services, world.aws.feed.splice(0, 100))
    await world.clock.advance(120_000)
    return id
  }
  const calls = await atEveryCall(when, prepare, async (world, _id, make) => {
    await sweep(make(world.aws))
  })
  expect(calls).toBeGreaterThan(5)
})
