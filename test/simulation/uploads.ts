import type { UploadPlan } from '../../shared/core/uploads.ts'
import { sha256Hex } from '../../shared/domain/hash.ts'
import { parseDropKey } from '../../shared/domain/names.ts'
import type { Site } from '../../shared/domain/site.ts'
import { give, isGiven } from './brought.ts'
import { rivalTenant, tenant, type Client } from './client.ts'
import { request } from './request.ts'
import type { World } from './world.ts'

const triesMax = 4
const pauseMsMax = 5_000

/** As a careful client: creates the asset, sends the bytes by the signed requests, completes; again with the same key when it must. */
export async function upload(world: World, client: Client, text: string): Promise<void> {
  const { streams, scheduler, ledger, mark } = world
  const site = client.home
  const bytes = bytesOf(world, `upload ${text}`)
  const owner = ownerOf(world)
  const sha256 = sha256Hex(bytes)
  const kind = streams.workload.of(['single', 'multipart'] as const)
  const input = { id: text, name: text, mediaType: 'text/plain', bytes: bytes.byteLength, sha256, upload: kind }
  const idempotency = { key: sha256Hex(`upload ${text}`), print: text }
  const isAbandoned = streams.workload.oneIn(8)
  give(ledger.brought, site, owner, text, sha256)
  for (let attempt = 0; attempt < triesMax; attempt++) {
    const begun = await request(world, site, (services, code) => code.createAsset(services, owner, input, idempotency))
    if (begun.kind === 'refused') return
    if (begun.kind === 'answered' && (await send(world, site, begun.value.upload, bytes))) {
      if (isAbandoned) return mark('upload abandoned')
      const ended = await request(world, site, (services, code) => code.acceptUpload(services, owner, text))
      if (ended.kind === 'answered') return void ledger.brought.uploads.set(text, { tenant: owner, site, sha256 })
    }
    await scheduler.delay(1 + streams.workload.pick(pauseMsMax), `${client.name} waits`)
  }
}

/** Of this file alone, or one of the few that everybody has. */
function bytesOf({ profile, streams }: World, text: string): Buffer {
  const own = `${text} `.repeat(1 + streams.workload.pick(40))
  return Buffer.from(profile.alike > 0 ? `file ${streams.bytes.pick(profile.alike)} `.repeat(20) : own)
}

/**
 * Where a site may lose what it knows, the very bytes that lay here once are not dropped again: with a removal that burnt halfway
 * nothing tells the two apart.
 */
function droppedBytes(world: World, site: Site, key: string, text: string): Buffer {
  const bytes = bytesOf(world, text)
  if (world.profile.rebuild === 'none') return bytes
  const name = parseDropKey(key)
  const wasHere = name.kind === 'drop' && isGiven(world.ledger.brought, site, tenant, name.assetId, sha256Hex(bytes))
  return wasHere ? Buffer.from(text) : bytes
}

const ownerOf = ({ profile, streams }: World): string =>
  profile.alike > 0 && streams.bytes.oneIn(4) ? rivalTenant : tenant

/** Straight to the store. False when something did not get through. */
async function send(world: World, site: Site, plan: UploadPlan, bytes: Uint8Array): Promise<boolean> {
  const { scheduler, streams, faultsOn, mark } = world
  if (plan.kind === 'done') return true
  const requests = plan.kind === 'single' ? [plan.request] : plan.requests.map((each) => each.request)
  for (const { method, url } of requests) {
    await scheduler.delay(20, `bytes to ${site}`)
    if (!isReachable(world, site)) return false
    if (faultsOn() && streams.faults.oneIn(20)) {
      mark('upload broke off')
      return false
    }
    const times = faultsOn() && streams.faults.oneIn(8) ? 2 : 1
    if (times > 1) mark('bytes sent twice')
    for (let time = 0; time < times; time++) {
      const { ok } = await world.sites[site].objects.fetch(url, { method, body: bytes })
      if (!ok) return false
    }
  }
  mark(plan.kind === 'single' ? 'bytes came in one piece' : 'bytes came in parts')
  return true
}

/** Puts a file into the drop area of a store, writes over it, or removes it. Each file belongs to one site. */
export async function drop(world: World, client: Client, text: string): Promise<void> {
  const { streams, scheduler, ledger, mark, profile } = world
  const site = client.home
  const key = `drop/${tenant}/${site}/f${streams.workload.pick(profile.filesPerSite)}.txt`
  const isRemoval = streams.workload.oneIn(4)
  await scheduler.delay(20, `file to ${site}`)
  if (!isReachable(world, site)) return
  const { objects } = world.sites[site]
  if (isRemoval) {
    if (!(await objects.remove(key))) return
    mark('dropped file removed')
    return void ledger.brought.drops.set(key, { site, sha256: undefined, sinceMs: scheduler.now() })
  }
  const bytes = droppedBytes(world, site, key, `drop ${text}`)
  if (ledger.brought.drops.get(key)?.sha256) mark('dropped file overwritten')
  const sha256 = sha256Hex(bytes)
  ledger.brought.drops.set(key, { site, sha256, sinceMs: scheduler.now() })
  const name = parseDropKey(key)
  if (name.kind === 'drop') give(ledger.brought, site, tenant, name.assetId, sha256)
  await objects.put(key, bytes, { mediaType: 'text/plain' })
}

const isReachable = ({ sites, scheduler }: World, site: Site): boolean =>
  sites[site].isUp && sites[site].isOpen && scheduler.now() >= sites[site].outUntilMs.objects
