import { collectionKey } from '../../shared/core/collections.ts'
import { isJsonObject, type JsonObject } from '../../shared/domain/json.ts'
import { sites } from '../../shared/domain/site.ts'
import { tenant, type Client } from './client.ts'
import { formsCollection } from './fields-kept.ts'
import { request } from './request.ts'
import type { World } from './world.ts'
import { write } from './writes.ts'

const fieldNames = ['title', 'owner', 'state'] as const

/** Somebody sets the policy while others write already. */
export async function setPolicy(world: World): Promise<void> {
  const key = collectionKey(tenant, formsCollection)
  const set = { conflicts: 'merge-fields' }
  for (;;) {
    const site = world.streams.workload.of(sites)
    const outcome = await request(world, site, (services, { writeRecord }) =>
      writeRecord(services, key, { precondition: { kind: 'none' } }, (now) => now ?? set),
    )
    if (outcome.kind === 'answered') return
    await world.scheduler.delay(1_000, 'the policy waits')
  }
}

/** Changes one field of a form, one inside of a field, or the whole; or takes a field or the form away. */
export async function editForm(world: World, client: Client, text: string): Promise<void> {
  const chance = world.streams.workload
  const key = { tenant, collection: formsCollection, id: `f${chance.pick(Math.min(3, world.profile.records))}` }
  const name = chance.of(fieldNames)
  const kind = chance.pick(10)
  const durability = chance.oneIn(8) ? ('both' as const) : undefined
  const wanted = { key, text, ...(durability ? { durability } : {}) }
  if (kind === 0) return write(world, client, { ...wanted, body: null })
  if (kind === 1) return write(world, client, { ...wanted, body: { title: text, owner: { name: text } } })
  const change = (now: JsonObject | undefined): JsonObject => {
    const { [name]: old, ...others } = now ?? {}
    if (kind === 2 && old !== undefined) return others
    if (kind < 5) return { ...now, [name]: { ...(isJsonObject(old) ? old : {}), [chance.of(['name', 'phone'])]: text } }
    return { ...now, [name]: text }
  }
  await write(world, client, { ...wanted, body: { [name]: text }, change })
}
