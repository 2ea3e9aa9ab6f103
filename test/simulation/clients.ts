import type { Services } from '../../shared/core/services.ts'
import { keyText, type RecordKey, type StoredRecord } from '../../shared/domain/record.ts'
import { type Origin, peerOf, sites, type Site } from '../../shared/domain/site.ts'
import { seenElsewhere } from '../../shared/replication/session.ts'
import { compareVectors, type Vector } from '../../shared/replication/vector.ts'
import { peerUseOf } from './alone.ts'
import type { Code } from './code.ts'
import { lifeOf, remember, tenant, type Client } from './client.ts'
import { formsCollection } from './fields-kept.ts'
import { editForm, setPolicy } from './forms.ts'
import type { Profile } from './profile.ts'
import { publish } from './publish.ts'
import { request } from './request.ts'
import { drop, upload } from './uploads.ts'
import { rush } from './rush.ts'
import type { World } from './world.ts'
import { write } from './writes.ts'

const collection = 'notes'
const pageMax = 100

const crowd = { clients: 30, fromMs: 60_000, forMs: 120_000, thinkMsMax: 2_000 }

/** Resolves when every client has done its work. */
export async function runClients(world: World): Promise<void> {
  const { profile, scheduler, ledger } = world
  const { clients: count, opsPerClient, thinkMsMax } = profile
  const clients = Array.from({ length: count }, (_, index) =>
    runClient(world, index, { thinkMsMax, isOver: (op) => op >= opsPerClient }),
  )
  if (profile.forms) void setPolicy(world)
  if (profile.capacity === 0) return void (await Promise.all(clients))
  await scheduler.delay(crowd.fromMs, 'the crowd comes')
  const goneMs = crowd.fromMs + crowd.forMs
  ledger.traffic.crowdGoneMs = goneMs
  const isOver = (): boolean => scheduler.now() > goneMs
  const others = Array.from({ length: crowd.clients }, (_, index) =>
    runClient(world, count + index, { thinkMsMax: crowd.thinkMsMax, isOver }),
  )
  await Promise.all([...clients, ...others])
}

interface Pace {
  readonly thinkMsMax: number
  readonly isOver: (op: number) => boolean
}

async function runClient(world: World, index: number, { thinkMsMax, isOver }: Pace): Promise<void> {
  const { streams, scheduler, ledger } = world
  const client: Client = { name: `c${index}`, home: sites[index % 2] as Site, session: {}, seen: new Map() }
  ledger.sessions.push(client.seen)
  for (let op = 0; !isOver(op); op++) {
    await scheduler.delay(1 + streams.workload.pick(thinkMsMax), `${client.name} thinks`)
    if (streams.workload.oneIn(12)) client.home = peerOf(client.home)
    await act(world, client, op)
  }
}

async function act(world: World, client: Client, op: number): Promise<void> {
  const chance = world.streams.workload
  const key = { tenant, collection, id: `r${chance.pick(world.profile.records)}` }
  const text = `${client.name}-${op}`
  if (chance.oneIn(world.profile.rush)) return rush(world, client, text)
  if (world.profile.forms && chance.oneIn(2)) return actOnForms(world, client, text)
  switch (chance.pick(opsOf(world.profile))) {
    case 0:
    case 1:
    case 2:
      return write(world, client, { key, text, body: { text } })
    case 3:
      return write(world, client, { key, text, body: null })
    case 4:
      return write(world, client, { key, text, body: { text }, conditional: true })
    case 5:
      return write(world, client, { key, text, body: { text }, durability: 'both' })
    case 6:
      return list(world, client)
    case 9:
      return publish(world, client, text)
    case 10:
      return upload(world, client, text)
    case 11:
      return drop(world, client, text)
    default:
      return read(world, client, key)
  }
}

async function actOnForms(world: World, client: Client, text: string): Promise<void> {
  const id = `f${world.streams.workload.pick(3)}`
  if (world.streams.workload.oneIn(3)) return read(world, client, { tenant, collection: formsCollection, id })
  return editForm(world, client, text)
}

/** Reads and writes of records, what is published, what is uploaded and dropped: each where the profile has it. */
const opsOf = ({ objects, uploads }: Profile): number => (uploads ? 12 : objects ? 10 : 9)

const siteToRead = ({ streams }: World, { home }: Client): Site => (streams.workload.oneIn(3) ? peerOf(home) : home)

/** A session never reads backwards, whichever site answers. */
async function read(world: World, client: Client, key: RecordKey): Promise<void> {
  const site = siteToRead(world, client)
  const seen = client.seen.get(keyText(key))
  const { session } = client
  const peerUse = peerUseOf(world, site, session, key)
  const reading = async (services: Services, code: Code) => {
    const where = lifeOf(services)
    return { where, shown: await code.readRecord(services, key, { session: seenElsewhere(session, where) }) }
  }
  const outcome = await request(world, site, reading, peerUse)
  if (outcome.kind !== 'answered') return
  const stillSeen = client.seen.get(keyText(key)) && seen
  assertForwards(world, client, { ...outcome.value, site, key, seen: stillSeen })
}

/** Nor does it in a list. */
async function list(world: World, client: Client): Promise<void> {
  const site = siteToRead(world, client)
  const seenBefore = new Map(client.seen)
  const { session } = client
  const peerUse = peerUseOf(world, site, session)
  const listing = async (services: Services, code: Code) => {
    const where = lifeOf(services)
    const options = { session: seenElsewhere(session, where) }
    return { where, page: await code.listRecords(services, { tenant, collection }, { limit: pageMax }, options) }
  }
  const outcome = await request(world, site, listing, peerUse)
  if (outcome.kind !== 'answered') return
  const { where, page } = outcome.value
  const shown = new Map(page.items.map((record) => [keyText(record.key), record]))
  // What comes after the end of a page was not asked for.
  const { next } = page
  for (let index = 0; index < world.profile.records; index++) {
    const key = { tenant, collection, id: `r${index}` }
    if (next !== undefined && key.id > next) continue
    const seen = client.seen.get(keyText(key)) && seenBefore.get(keyText(key))
    assertForwards(world, client, { where, site, key, seen, shown: shown.get(keyText(key)) })
  }
}

interface Shown {
  readonly where: Origin
  readonly site: Site
  readonly key: RecordKey
  readonly seen: Vector | undefined
  readonly shown: StoredRecord | undefined
}

/** What is not shown must be deleted there by somebody who had seen what the client has. */
function assertForwards(world: World, client: Client, { where, site, key, seen, shown }: Shown): void {
  const vector = shown?.vector ?? world.sites[site].latestOf(key)?.vector
  if (shown) remember(client, where, key, shown.vector)
  if (!seen || (vector && ['equal', 'after'].includes(compareVectors(vector, seen)))) return
  world.ledger.violations.push(
    `5: ${client.name} read ${keyText(key)} backwards at ${site}: ${JSON.stringify({ seen, vector })}`,
  )
}
