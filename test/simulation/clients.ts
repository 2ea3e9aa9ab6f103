import { readRecord } from '../../shared/core/record-reads.ts'
import { etagOf, writeRecord, type Precondition, type Written } from '../../shared/core/records.ts'
import type { Services } from '../../shared/core/services.ts'
import { mediaKey } from '../../shared/domain/asset.ts'
import { hasCode, isCatamaranError } from '../../shared/domain/errors.ts'
import { sha256Hex } from '../../shared/domain/hash.ts'
import type { JsonObject } from '../../shared/domain/json.ts'
import { keyText, type RecordKey } from '../../shared/domain/record.ts'
import { peerOf, sites, type Site } from '../../shared/domain/site.ts'
import { compareVectors, joinVectors, type Vector } from '../../shared/replication/vector.ts'
import { makeInvocation } from './invocation.ts'
import type { World } from './world.ts'

interface Client {
  readonly name: string
  home: Site
  session: Vector
  /** The vectors this client has seen, by record. */
  readonly seen: Map<string, Vector>
}

const tenant = 'acme'
const triesMax = 4
const clientTimeoutMs = 30_000

/** Resolves when every client has done its work. */
export async function runClients(world: World): Promise<void> {
  const clients = Array.from({ length: world.profile.clients }, (_, index) => runClient(world, index))
  await Promise.all(clients)
}

async function runClient(world: World, index: number): Promise<void> {
  const { streams, profile, scheduler } = world
  const client: Client = { name: `c${index}`, home: sites[index % 2] as Site, session: {}, seen: new Map() }
  for (let op = 0; op < profile.opsPerClient; op++) {
    await scheduler.delay(1 + streams.workload.pick(profile.thinkMsMax), `${client.name} thinks`)
    if (streams.workload.oneIn(12)) client.home = peerOf(client.home)
    await act(world, client, op)
  }
}

async function act(world: World, client: Client, op: number): Promise<void> {
  const chance = world.streams.workload
  const key = { tenant, collection: 'notes', id: `r${chance.pick(world.profile.records)}` }
  const text = `${client.name}-${op}`
  switch (chance.pick(world.profile.objects ? 9 : 8)) {
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
    case 8:
      return publish(world, client, text)
    default:
      return read(world, client, key)
  }
}

interface Wanted {
  readonly key: RecordKey
  /** Unique to the operation: the body, and the idempotency key. */
  readonly text: string
  readonly body: JsonObject | null
  readonly conditional?: boolean
  readonly durability?: 'both'
}

/** As a careful client: the same idempotency key for every try, the other site when one does not answer. */
async function write(world: World, client: Client, wanted: Wanted): Promise<void> {
  let site = client.home
  for (let attempt = 0; attempt < triesMax; attempt++) {
    const outcome = await request(world, site, (services) => writeOnce(services, client, wanted))
    if (outcome.kind === 'answered') return acknowledge(world, client, wanted, outcome.value, site)
    if (outcome.kind === 'refused') {
      if (outcome.code === 'precondition-failed') world.mark('precondition failed')
      return
    }
    if (world.streams.workload.oneIn(2)) site = peerOf(site)
  }
}

async function writeOnce(
  services: Services,
  client: Client,
  { key, text, body, conditional, durability }: Wanted,
): Promise<Written> {
  let precondition: Precondition = { kind: 'none' }
  if (conditional) {
    const current = await readRecord(services, key, { session: client.session })
    precondition = current ? { kind: 'match', etags: [etagOf(current)] } : { kind: 'absent' }
  }
  const idempotency = { key: sha256Hex(text), print: text }
  return writeRecord(services, key, { precondition, idempotency, durability }, () => body)
}

function acknowledge(
  world: World,
  client: Client,
  { key, text, durability }: Wanted,
  written: Written,
  site: Site,
): void {
  const { record, replayed } = written
  if (replayed) world.mark(site === client.home ? 'idempotent replay' : 'idempotent replay at the other site')
  const stamp = record.applied?.find((applied) => applied.print === text)?.stamp
  if (!stamp) return void world.ledger.violations.push(`2: the answer to ${text} does not hold its own write`)
  const both = durability === 'both' && written.durability === 'both'
  if (both) world.mark('write confirmed at both sites')
  if (durability === 'both' && !both && world.link.isCut(site, peerOf(site)))
    world.mark('confirmation refused while cut off')
  if (both) assertHeldByPeer(world, site, key, record.vector)
  world.ledger.acknowledged.push({ key, stamp, both })
  remember(client, key, record.vector)
}

/** "Both" is never a false yes. */
function assertHeldByPeer(world: World, site: Site, key: RecordKey, vector: Vector): void {
  const held = world.sites[peerOf(site)].records.all().find((record) => keyText(record.key) === keyText(key))
  if (held && ['equal', 'after'].includes(compareVectors(held.vector, vector))) return
  world.ledger.violations.push(
    `2: ${keyText(key)} was confirmed at both sites, and the peer of ${site} does not hold it`,
  )
}

/** A session never reads backwards, whichever site answers. */
async function read(world: World, client: Client, key: RecordKey): Promise<void> {
  const site = world.streams.workload.oneIn(3) ? peerOf(client.home) : client.home
  const seen = client.seen.get(keyText(key))
  const outcome = await request(world, site, (services) => readRecord(services, key, { session: client.session }))
  if (outcome.kind !== 'answered') return
  const stored = world.sites[site].records.all().find((record) => keyText(record.key) === keyText(key))
  const vector = outcome.value?.vector ?? stored?.vector
  if (outcome.value) remember(client, key, outcome.value.vector)
  if (!seen || (vector && ['equal', 'after'].includes(compareVectors(vector, seen)))) return
  world.ledger.violations.push(
    `5: ${client.name} read ${keyText(key)} backwards at ${site}: ${JSON.stringify({ seen, vector })}`,
  )
}

function remember(client: Client, key: RecordKey, vector: Vector): void {
  client.session = joinVectors(client.session, vector)
  client.seen.set(keyText(key), joinVectors(client.seen.get(keyText(key)) ?? {}, vector))
}

/** Bytes and the record that names them, as a finished conversion leaves them. */
async function publish(world: World, client: Client, text: string): Promise<void> {
  const bytes = Buffer.from(`object ${text} `.repeat(20))
  const sha256 = sha256Hex(bytes)
  const objectKey = `objects/${tenant}/${text}/${sha256}`
  const site = client.home
  const media = {
    status: 'ready',
    version: text,
    job: text,
    site,
    objectKey,
    sha256,
    bytes: bytes.byteLength,
    properties: {},
    renditions: [],
  }
  const outcome = await request(world, site, async (services) => {
    await services.objects.put(objectKey, bytes, { mediaType: 'text/plain', metadata: { sha256 }, ifAbsent: true })
    return writeRecord(services, mediaKey(tenant, text), { precondition: { kind: 'none' } }, () => media)
  })
  if (outcome.kind === 'answered') world.ledger.objects.set(objectKey, sha256)
}

type Outcome<Value> =
  | { readonly kind: 'answered'; readonly value: Value }
  | { readonly kind: 'refused'; readonly code: string }
  /** Nobody can tell whether it happened. */
  | { readonly kind: 'unknown' }

async function request<Value>(
  world: World,
  site: Site,
  run: (services: Services) => Promise<Value>,
): Promise<Outcome<Value>> {
  const { scheduler, sites: all } = world
  await scheduler.delay(5, `to ${site}`)
  if (!all[site].isUp) return { kind: 'unknown' }
  const invocation = makeInvocation(world, `${site} http`)
  return Promise.race([
    run(all[site].servicesOf(invocation)).then(
      (value): Outcome<Value> => ({ kind: 'answered', value }),
      (error: unknown): Outcome<Value> => outcomeOf(world, error),
    ),
    invocation.killed.then(
      (): Promise<Outcome<Value>> => scheduler.delay(1, 'connection lost').then(() => ({ kind: 'unknown' })),
    ),
    scheduler.delay(clientTimeoutMs, `${site} client time-out`).then((): Outcome<Value> => ({ kind: 'unknown' })),
  ])
}

function outcomeOf(world: World, error: unknown): { kind: 'refused'; code: string } | { kind: 'unknown' } {
  if (!isCatamaranError(error)) throw error
  if (hasCode(error, 'idempotency-key-reused')) world.ledger.violations.push(`6: ${error.message}`)
  return error.status < 500 && error.code !== 'throttled' ? { kind: 'refused', code: error.code } : { kind: 'unknown' }
}
