import { sites, type Site } from '../../shared/domain/site.ts'
import type { Vector } from '../../shared/replication/vector.ts'
import { tenant, type Client } from './client.ts'
import type { World } from './world.ts'
import { write } from './writes.ts'

const rushed = { collection: 'rush', records: 3, withinMs: 500 }

/** As when a request goes to both sites at once: new records are made here and there within moments. */
export async function rush(world: World, client: Client, text: string): Promise<void> {
  const { scheduler, streams, mark, ledger } = world
  mark('the same record made at both sites at once')
  ledger.traffic.rushedMs = scheduler.now()
  const makeAt = async (home: Site, id: string): Promise<void> => {
    await scheduler.delay(1 + streams.workload.pick(rushed.withinMs), `${client.name} rushes`)
    const there = { ...client, home, seen: new Map<string, Vector>() }
    const name = `${id}-${home}`
    await write(world, there, { key: { tenant, collection: rushed.collection, id }, text: name, body: { text: name } })
  }
  const ids = Array.from({ length: rushed.records }, (_, index) => `${text}-${index}`)
  await Promise.all(ids.flatMap((id) => sites.map((home) => makeAt(home, id))))
}
