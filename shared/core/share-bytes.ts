import { digestOfKey, objectKeyOf, objectKeysOf, type MediaBody } from '../domain/asset.ts'
import { hasCode } from '../domain/errors.ts'
import { donorsOf, type Content, type Donor } from './contents.ts'
import { forEachOf } from './each.ts'
import type { Lease } from './lease.ts'
import { bytesOf } from './missing-objects.ts'
import type { Services } from './services.ts'
import { listSharer } from './sharers.ts'

const headsAtOnceMax = 8

/**
 * The objects of another asset of the same bytes, for this one to name as well: all are in this site's store, and whoever
 * erases finds this asset in the donor's list. Undefined when there is no such asset, or this one has stored something
 * already: then the bytes are stored and converted as if they were the first. Sharing saves work and is never needed.
 */
export async function shareBytes(
  services: Services,
  lease: Lease,
  content: Content,
): Promise<(Pick<MediaBody, 'renditions' | 'properties'> & { readonly objectKey: string }) | undefined> {
  const { tenant, asset, sha256 } = content
  const donors = await donorsOf(services, content)
  if (donors.length === 0 || (await services.objects.head(objectKeyOf(tenant, asset, sha256)))) return undefined
  for (const donor of donors) {
    if (!(await isAllHere(services, donor))) continue
    lease.check()
    if (!(await listedAt(services, donor, content))) continue
    lease.check()
    services.telemetry.log('info', 'Equal bytes are shared', { tenant, asset, donor: donor.asset })
    const { renditions, properties } = donor.media
    return { objectKey: donor.objectKey, renditions, properties }
  }
  return undefined
}

/** Whether this site's store has every object of the donor, of the size that its record says and under its digest. */
async function isAllHere(services: Services, { media }: Donor): Promise<boolean> {
  let isHere = true
  await forEachOf(objectKeysOf(media), headsAtOnceMax, async (key) => {
    const info = isHere ? await services.objects.head(key) : undefined
    isHere &&= info?.bytes === bytesOf(media, key) && info.metadata['sha256'] === digestOfKey(key)
  })
  return isHere
}

/** A site that went back to a backup may not know its own list, and does not wait for the other one to hear of it. */
async function listedAt(services: Services, donor: Donor, { tenant, asset }: Content): Promise<boolean> {
  try {
    return await listSharer(services, { tenant, donor: donor.asset, sharer: asset })
  } catch (error) {
    if (hasCode(error, 'peer-unavailable')) return false
    throw error
  }
}
