import type { Services } from '../../shared/core/services.ts'
import { etagOf, type Precondition, type Written } from '../../shared/core/records.ts'
import { sha256Hex } from '../../shared/domain/hash.ts'
import type { JsonObject } from '../../shared/domain/json.ts'
import { keyText, type RecordKey, type StoredRecord } from '../../shared/domain/record.ts'
import { type Origin, peerOf, type Site } from '../../shared/domain/site.ts'
import type { Stamp } from '../../shared/domain/stamp.ts'
import { seenElsewhere } from '../../shared/replication/session.ts'
import { compareVectors } from '../../shared/replication/vector.ts'
import { peerUseOf } from './alone.ts'
import type { Code } from './code.ts'
import { lifeOf, remember, type Client } from './client.ts'
import { isKept } from './content.ts'
import { request } from './request.ts'
import type { World } from './world.ts'

const triesMax = 4
const pauseMsMax = 5_000

export interface Wanted {
  readonly key: RecordKey
  /** Unique to the operation: the body, and the idempotency key. */
  readonly text: string
  readonly body: JsonObject | null
  /** Makes the next body of the present one, where `body` is not the whole of it. */
  readonly change?: (now: JsonObject | undefined) => JsonObject
  readonly conditional?: boolean
  readonly durability?: 'both'
}

/** What a client had read when it asked that nothing else be overwritten. */
interface Read {
  readonly record: StoredRecord | undefined
}

interface Answer {
  readonly where: Origin
  readonly written: Written
  readonly read: Read | undefined
  readonly site: Site
  /** The peer's epoch when the request went out: it may burn while its own answer is on the way. */
  readonly peerLife: number
}

/** As a careful client: the same idempotency key for every try, the other site when one does not answer. */
export async function write(world: World, client: Client, wanted: Wanted): Promise<void> {
  const { key, text, body, durability } = wanted
  const read = wanted.conditional ? await readFirst(world, client, key) : undefined
  if (wanted.conditional && !read) return
  const idempotency = { key: sha256Hex(text), print: text }
  const options = { precondition: preconditionOf(read), idempotency, durability }
  let site = client.home
  for (let attempt = 0; attempt < triesMax; attempt++) {
    if (attempt > 0) world.ledger.traffic.requestsAgainMs.push(world.scheduler.now())
    const peerLife = world.sites[peerOf(site)].epoch
    const outcome = await request(
      world,
      site,
      async (services, { writeRecord }) => ({
        where: lifeOf(services),
        written: await writeRecord(services, key, options, wanted.change ?? (() => body)),
      }),
      durability === 'both' ? 'time' : 'none',
    )
    if (outcome.kind === 'answered') {
      return acknowledge(world, client, wanted, { ...outcome.value, read, site, peerLife })
    }
    if (outcome.kind === 'refused') {
      if (outcome.code === 'precondition-failed') world.mark('precondition failed')
      return
    }
    await world.scheduler.delay(1 + world.streams.workload.pick(pauseMsMax), `${client.name} waits`)
    if (world.streams.workload.oneIn(2)) site = peerOf(site)
  }
}

/** Reads, and thinks about it. */
async function readFirst(world: World, client: Client, key: RecordKey): Promise<Read | undefined> {
  const { session, home } = client
  const peerUse = peerUseOf(world, home, session, key)
  const reading = (services: Services, code: Code) =>
    code.readRecord(services, key, { session: seenElsewhere(session, lifeOf(services)) })
  const outcome = await request(world, home, reading, peerUse)
  if (outcome.kind !== 'answered') return undefined
  await world.scheduler.delay(1 + world.streams.workload.pick(pauseMsMax), `${client.name} thinks it over`)
  return { record: outcome.value }
}

function preconditionOf(read: Read | undefined): Precondition {
  if (!read) return { kind: 'none' }
  return read.record ? { kind: 'match', etags: [etagOf(read.record)] } : { kind: 'absent' }
}

function acknowledge(
  world: World,
  client: Client,
  { key, text, durability }: Wanted,
  { where, written, read, site, peerLife }: Answer,
): void {
  const { ledger, mark } = world
  const { record, replayed } = written
  if (replayed) mark(site === client.home ? 'idempotent replay' : 'idempotent replay at the other site')
  const stamp = record.applied?.find((applied) => applied.print === text)?.stamp
  if (!stamp) return void ledger.violations.push(`2: the answer to ${text} does not hold its own write`)
  const both = durability === 'both' && written.durability === 'both'
  if (both) mark('write confirmed at both sites')
  if (durability === 'both' && !both && world.link.isCut(site, peerOf(site))) mark('confirmation refused while cut off')
  if (both) assertHeldByPeer(world, { site, stamp, peerLife }, record)
  if (read && !replayed) assertUnchanged(world, key, stamp, read.record)
  ledger.acknowledged.push({ key, stamp, both })
  remember(client, where, key, record.vector)
}

/**
 * "Both" is never a false yes: each site holds the state that was shown, and what the write said. Of a peer that has burnt
 * since the request went out it is asked whether it ever held what the write said.
 */
function assertHeldByPeer(
  world: World,
  { site, stamp, peerLife }: { readonly site: Site; readonly stamp: Stamp; readonly peerLife: number },
  { key, vector }: StoredRecord,
): void {
  const peer = peerOf(site)
  if (world.sites[peer].epoch !== peerLife && world.ledger.holders.has(`${peer} ${stamp}`)) return
  const held = world.sites[peer].latestOf(key)
  const own = world.ledger.writes.get(stamp)?.state
  const isSeen = held !== undefined && ['equal', 'after'].includes(compareVectors(held.vector, vector))
  if (isSeen && (!own || isKept(world, [peer], own))) return
  world.ledger.violations.push(
    `2: ${keyText(key)} ${stamp} was confirmed at both sites, and the peer of ${site} does not hold it`,
  )
}

/** A conditional write takes the place of the very state that its client had read. */
function assertUnchanged(world: World, key: RecordKey, stamp: Stamp, read: StoredRecord | undefined): void {
  const own = world.ledger.writes.get(stamp)
  if (!own) return
  const before = own.before && !own.before.deleted ? own.before : undefined
  if (before ? read && etagOf(before) === etagOf(read) : !read) return
  world.ledger.violations.push(`5: ${keyText(key)} ${stamp} overwrote what its client had not read`)
}
