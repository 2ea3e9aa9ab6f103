import { expect, test } from '@jest/globals'
import { getAsset } from '../../shared/core/assets.ts'
import { objectDropped } from '../../shared/core/drops.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import { parseDropKey } from '../../shared/domain/names.ts'
import { dying, type CrashPoint } from './crash.ts'
import { faultsOf, ingestWorld, tenant } from './ingest-world.ts'

const key = `drop/${tenant}/in/boat.jpg`
const name = parseDropKey(key)
const bytes = Buffer.from('a picture of a boat')
const callsMax = 60

/** A run over a file that was removed dies at the n-th call; the very same file is dropped again before its event comes again. */
async function dieAt(point: CrashPoint): Promise<boolean> {
  const world = await ingestWorld({ seed: point.call })
  try {
    const { aws, azure } = world
    const drop = () => aws.objects.put(key, bytes, { mediaType: 'image/jpeg' })
    await drop()
    await world.settle()
    await aws.objects.remove(key)
    const [event] = aws.events.splice(0, 1)
    if (!event) throw new Error('nobody told of the removal')
    const { services, hasDied } = dying(aws.services, point)
    await objectDropped(services, event).catch(() => undefined)
    await drop()
    await world.settle()
    if (hasDied()) await objectDropped(aws.services, event)
    await world.settle()
    expect([point, faultsOf(world)]).toEqual([point, []])
    for (const { services: at } of [aws, azure]) {
      const id = name.kind === 'drop' ? name.assetId : ''
      expect([point, await getAsset(at, tenant, id)]).toMatchObject([point, { status: 'ready', bytesHere: true }])
    }
    return hasDied()
  } finally {
    await world.close()
  }
}

test.each(['before', 'after'] as const)('a removal dies %s any call; the same file is dropped again', async (when) => {
  for (let call = 1; call < callsMax; call++) {
    if (await dieAt({ call, when })) continue
    expect(call).toBeGreaterThan(8)
    return
  }
  throw new Error('It never got through.')
})

test('a removal that looked before a file came again deletes its asset, and dies, while the file is taken in', async () => {
  const world = await ingestWorld({ seed: 7 })
  try {
    const { aws, azure } = world
    const { services } = aws
    const drop = (file = bytes) => aws.objects.put(key, file, { mediaType: 'image/jpeg' })
    await drop()
    await world.settle()
    await aws.objects.remove(key)
    await drop(Buffer.from('another boat'))
    const [removal, creation] = aws.events.splice(0, 2)
    if (!removal || !creation) throw new Error('nobody told of the removal, or of what came after it')
    let looks = 0
    const head = async (asked: string) => {
      if (asked === key && looks++ === 0) return undefined
      throw new CatamaranError('unavailable', 'the store is away')
    }
    const blind = { ...services, objects: { ...services.objects, head } }
    const send: typeof services.jobs.send = async (message, options) => {
      await objectDropped(blind, removal).catch(() => undefined)
      await services.jobs.send(message, options)
    }
    await objectDropped({ ...services, jobs: { ...services.jobs, send } }, creation)
    await objectDropped(services, removal)
    await world.settle()
    expect(looks).toBeGreaterThan(0)
    expect(faultsOf(world)).toEqual([])
    for (const { services: at } of [aws, azure]) {
      const id = name.kind === 'drop' ? name.assetId : ''
      expect(await getAsset(at, tenant, id)).toMatchObject({ status: 'ready', bytesHere: true })
    }
  } finally {
    await world.close()
  }
})
