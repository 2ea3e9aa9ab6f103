import { mediaKey, objectKeysOf, type MediaBody } from '../domain/asset.ts'
import type { RecordKey, StoredRecord } from '../domain/record.ts'
import { donorOfKey, isOwnObject, sharersKey, type SharersBody } from '../domain/shared-bytes.ts'
import { sites } from '../domain/site.ts'
import { chunksOf } from './chunks.ts'
import { objectsNamedBy } from './object-names.ts'
import { isOfThisLife } from './own-life.ts'
import { hearPeer } from './record-reads.ts'
import { writeRecord } from './records.ts'
import type { Services } from './services.ts'

/** Of one donor at one site; the next asset of the same bytes is stored anew, and is a donor itself. */
export const sharersMax = 100
/** With those that a site listed in earlier lives. */
const listedMax = 3 * sharersMax
const none = { precondition: { kind: 'none' } } as const

interface Share {
  readonly tenant: string
  readonly donor: string
  readonly sharer: string
  /** It names the donor's objects already. */
  readonly shares?: boolean
}

/**
 * Lists an asset that is about to name a donor's objects: before it does, so that no object is named by an asset that
 * whoever erases does not find. False when there are too many. Throws `peer-unavailable` when only the peer may know who
 * was listed before.
 */
export async function listSharer(
  services: Services,
  { tenant, donor, sharer, shares = false }: Share,
): Promise<boolean> {
  const { site } = services
  const key = sharersKey(tenant, donor, site)
  await hearOwnList(services, key)
  const listed = { isListed: true }
  await writeRecord(services, key, none, (body) => {
    const sharers = (body as SharersBody | undefined)?.sharers ?? []
    listed.isListed = sharers.includes(sharer) || sharers.length < (shares ? listedMax : sharersMax)
    if (body && (sharers.includes(sharer) || !listed.isListed)) return body
    return { asset: donor, site, sharers: [...sharers, sharer] }
  })
  return listed.isListed
}

/**
 * Lists what shares once more, should it not be listed. A site that lost what it held gets its own media records back from the
 * peer, and may have written on before anybody looks; a list that burnt before it had crossed over nobody has. Throws
 * `peer-unavailable`.
 */
export async function listAgain(services: Services, { key, body }: StoredRecord): Promise<void> {
  const media = body as MediaBody | null
  if (media?.site !== services.site) return
  const { tenant, id } = key
  const foreign = objectKeysOf(media).filter((each) => !isOwnObject(tenant, id, each))
  for (const donor of new Set(foreign.map(donorOfKey))) {
    if (await listSharer(services, { tenant, donor, sharer: id, shares: true })) continue
    services.telemetry.log('error', 'More assets share the objects of one than can be listed', {
      tenant,
      donor,
      asset: id,
    })
  }
}

/** What this site listed in an earlier life the peer may know alone. */
async function hearOwnList(services: Services, key: RecordKey): Promise<void> {
  const own = await services.records.get(key)
  const isKnown = own ? isOfThisLife(services, own) : !services.incarnation
  if (!isKnown) await hearPeer(services, [key])
}

/** The media records of all assets that either site lets name objects of this one, whether they still do or not. */
async function sharersOf(services: Services, tenant: string, donor: string): Promise<StoredRecord[]> {
  const lists = await services.records.getMany(sites.map((site) => sharersKey(tenant, donor, site)))
  const ids = lists.flatMap((list) => (list?.body as SharersBody | null | undefined)?.sharers.slice(0, listedMax) ?? [])
  const found: StoredRecord[] = []
  for (const chunk of chunksOf([...new Set(ids)].sort())) {
    const records = await services.records.getMany(chunk.map((id) => mediaKey(tenant, id)))
    found.push(...records.filter((record) => record !== undefined))
  }
  return found
}

/** Which asset, the first by its id, names each object of this one that any other names. */
export async function sharedFrom(services: Services, tenant: string, donor: string): Promise<Map<string, string>> {
  const first = new Map<string, string>()
  for (const record of await sharersOf(services, tenant, donor)) {
    for (const { key } of objectsNamedBy(record)) if (!first.has(key)) first.set(key, record.key.id)
  }
  return first
}
