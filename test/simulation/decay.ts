import { digestOfKey, objectKeysOf, type MediaBody } from '../../shared/domain/asset.ts'
import { sha256Hex } from '../../shared/domain/hash.ts'
import { sites, type Site } from '../../shared/domain/site.ts'
import { makeInvocation } from './invocation.ts'
import type { SimSite } from './site.ts'
import type { World } from './world.ts'

const minuteMs = 60_000
const repairedMinutesMax = 60

/**
 * 8. A bit of an object flips where it lies, when all is well otherwise and the other site has it as it should be. Nothing
 * tells of that: an operator has everything read, at the one site or the other, and it comes right.
 */
export async function decayAndRepair(world: World): Promise<string[]> {
  const { scheduler, streams, sites: all, profile, mark } = world
  // A site that is to lose its data may do so yet, in the middle of the repair.
  if (profile.corruption === 0 || profile.rebuild !== 'none') return []
  const keys = [...namedKeys(all.aws)].filter((key) => isSound(all.aws, key) && isSound(all.azure, key))
  if (keys.length === 0) return []
  const [key, where, asker] = [streams.decay.of(keys), streams.decay.of(sites), streams.decay.of(sites)]
  flipBit(world, where, key)
  mark(where === asker ? 'object decayed and repaired from here' : 'object decayed and repaired from the other site')
  void all[asker].code().startOperation(all[asker].servicesOf(makeInvocation(world, asker, 'operator')), {
    kind: 'repair',
    deep: true,
    dryRun: false,
    request: 'simulated decay',
  })
  for (let minutes = 0; minutes < repairedMinutesMax; minutes++) {
    await scheduler.runUntil(scheduler.now() + minuteMs)
    if (isSound(all[where], key)) return []
  }
  return [`8: ${key} decayed at ${where}, and a repair by ${asker} did not mend it`]
}

/** What records that are ready name. */
function* namedKeys({ latest }: SimSite): Generator<string> {
  for (const { key, body, deleted } of latest.values()) {
    if (key.collection !== '_media' || deleted || (body as MediaBody).status !== 'ready') continue
    yield* objectKeysOf(body as MediaBody)
  }
}

function isSound({ objects }: SimSite, key: string): boolean {
  const held = objects.all().find(({ info }) => info.key === key)
  return held !== undefined && sha256Hex(held.bytes) === digestOfKey(key)
}

/** What the store says of the object stays as it was, as it does when a disk goes wrong under it. */
function flipBit({ sites: all, streams }: World, site: Site, key: string): void {
  const { objects } = all[site]
  const damaged = objects.all().map((object) => {
    if (object.info.key !== key || object.bytes.length === 0) return object
    const bytes = Uint8Array.from(object.bytes)
    const at = streams.decay.pick(bytes.length)
    bytes[at] = (bytes[at] ?? 0) ^ 1
    return { ...object, bytes }
  })
  objects.load(damaged)
}
