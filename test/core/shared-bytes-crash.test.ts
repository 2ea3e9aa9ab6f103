import { expect, test } from '@jest/globals'
import { runJob } from '../../shared/core/jobs.ts'
import { isOwnObject } from '../../shared/domain/shared-bytes.ts'
import { dying, type CrashPoint } from './crash.ts'
import { faultsOf, tenant } from './ingest-world.ts'
import { bring, keysOf, sharersAt, sharingWorld, storedKeys, viewOf } from './shared-bytes-world.ts'

const callsMax = 80

/** A run over equal bytes dies at the n-th call; the queue delivers its message again. Whether it died, and what it shares in the end. */
async function dieAt(point: CrashPoint): Promise<{ died: boolean; isShared: boolean }> {
  const world = await sharingWorld(point.call)
  try {
    const { aws, azure } = world
    await bring(aws, 'a')
    await world.settle()
    await bring(aws, 'b')
    const delivery = aws.queue.receive()
    if (!delivery) throw new Error('no job')
    const { services, hasDied } = dying(aws.services, point)
    await runJob(services, aws.work, delivery.message, new AbortController().signal).then(
      () => delivery.acknowledge(),
      () => delivery.fail(30_000),
    )
    await world.settle()
    await world.pass(3)
    const faults = faultsOf(world)
    for (const site of [aws, azure]) {
      const view = await viewOf(site, 'b')
      if (view?.status !== 'ready' || !view.bytesHere) faults.push(`b is ${JSON.stringify(view)}`)
      const held = new Set(storedKeys(site))
      for (const key of await keysOf(site, 'b')) if (!held.has(key)) faults.push(`b names ${key}`)
    }
    const isShared = (await keysOf(aws, 'b')).some((key) => !isOwnObject(tenant, 'b', key))
    if (isShared && !(await sharersAt(azure, 'a', aws)).includes('b')) faults.push('b is not in the list of a')
    if (faults.length > 0) throw new Error(`died ${point.when} call ${point.call}:\n${faults.join('\n')}`)
    return { died: hasDied(), isShared }
  } finally {
    await world.close()
  }
}

test.each(['before', 'after'] as const)('a run that shares dies %s any call', async (when) => {
  let shared = 0
  for (let call = 1; call < callsMax; call++) {
    const { died, isShared } = await dieAt({ call, when })
    shared += isShared ? 1 : 0
    if (died) continue
    expect(call).toBeGreaterThan(20)
    // Nothing that a run leaves on its way there keeps the next from sharing.
    expect(shared).toBe(call)
    return
  }
  throw new Error('It never got through.')
})
