import { profileOf, profiler } from '../data/profile.ts'
import { rowsCollection, type MediaBody } from '../domain/asset.ts'
import { CatamaranError } from '../domain/errors.ts'
import { sha256Hex } from '../domain/hash.ts'
import type { RecordKey } from '../domain/record.ts'
import { type Site, sites } from '../domain/site.ts'
import { foundColumns } from './media-columns.ts'
import { readMedia } from './media-store.ts'
import { listRecords, readRecords } from './record-reads.ts'
import { writeRecord } from './records.ts'
import type { Services } from './services.ts'

const pageRows = 500
const none = { precondition: { kind: 'none' } } as const

/** What one site found when it made the profile of a data file from the records that it holds. */
export type ProfileCheck = {
  site: Site
  /** The version of the asset that was looked at. */
  version: string
  state: 'waiting' | 'done'
  /** Of records. */
  rows?: number
  /** Of the profile as it came out here, lower-case hex. */
  sha256?: string
  /** Whether that is the profile that the converting site made from the file, byte by byte. */
  equal?: boolean
}

/** A record for each site, so that both can write and both can read. */
const checkKey = (tenant: string, asset: string, site: Site): RecordKey => ({
  tenant,
  collection: '_checks',
  id: `${asset}-${site}`,
})

/** Throws `conflict` for an asset that has no rows (yet), `not-found` for one that is not there. */
export async function requestProfileCheck(services: Services, tenant: string, asset: string): Promise<ProfileCheck> {
  const { version } = rowsOfMedia(await readMedia(services, tenant, asset))
  const check: ProfileCheck = { site: services.site, version, state: 'waiting' }
  await writeRecord(services, checkKey(tenant, asset, services.site), none, () => check)
  await services.jobs.send({ kind: 'check-profile', payload: { tenant, asset } })
  return check
}

/** What either site found last. */
export async function readProfileChecks(services: Services, tenant: string, asset: string): Promise<ProfileCheck[]> {
  const records = await readRecords(
    services,
    sites.map((site) => checkKey(tenant, asset, site)),
  )
  return records.flatMap((record) => (record?.body ? [record.body as ProfileCheck] : []))
}

/** Makes the profile again, from this site's records alone, and compares it with that of the file. */
export async function checkProfile(
  services: Services,
  { tenant, asset }: { readonly tenant: string; readonly asset: string },
  signal: AbortSignal,
): Promise<void> {
  const media = await readMedia(services, tenant, asset)
  if (media?.status !== 'ready' || !media.rows) return
  const made = profiler(foundColumns(media).map(({ name }) => name))
  const where = { tenant, collection: rowsCollection(asset) }
  let rows = 0
  for (let after: string | undefined, more = true; more; ) {
    signal.throwIfAborted()
    const page = await listRecords(services, where, { after, limit: pageRows })
    for (const { body } of page.items) if (body) made.add(body)
    rows += page.items.length
    after = page.next
    more = after !== undefined
  }
  const sha256 = sha256Hex(Buffer.from(JSON.stringify(profileOf(made, media.rows.errors))))
  const equal = sha256 === media.renditions.find(({ name }) => name === 'profile')?.sha256
  const found: ProfileCheck = { site: services.site, version: media.version, state: 'done', rows, sha256, equal }
  await writeRecord(services, checkKey(tenant, asset, services.site), none, () => found)
}

function rowsOfMedia(media: MediaBody | undefined): MediaBody {
  if (!media) throw new CatamaranError('not-found', 'There is no such asset.')
  if (media.status === 'ready' && media.rows) return media
  throw new CatamaranError('conflict', `The asset has no rows to profile: it is ${media.status}.`)
}
