import { mediaKey } from '../domain/asset.ts'
import { donorOfKey, isOwnObject } from '../domain/shared-bytes.ts'
import type { ObjectTarget } from '../ports/peer.ts'
import { chunksOf } from './chunks.ts'
import { objectsNamedBy } from './object-names.ts'
import type { Services } from './services.ts'
import { sharedFrom } from './sharers.ts'

/** Without what an asset shares that another asset answers for. Each object is answered for once, wherever it is named. */
export async function namedOnce<Named extends ObjectTarget>(
  services: Services,
  named: readonly Named[],
): Promise<readonly Named[]> {
  const foreign = named.filter(({ tenant, asset, key }) => !isOwnObject(tenant, asset, key))
  if (foreign.length === 0) return named
  const answering = new Map<string, string>()
  for (const [tenant, objects] of Map.groupBy(foreign, (each) => each.tenant)) {
    const wanted = Map.groupBy(objects, ({ key }) => donorOfKey(key))
    const byDonors = await namedByDonors(services, tenant, [...wanted.keys()])
    for (const [donor, ofDonor] of wanted) {
      const isAnswered = ofDonor.every(({ key }) => byDonors.has(key))
      const bySharers = isAnswered ? new Map<string, string>() : await sharedFrom(services, tenant, donor)
      for (const { key, asset } of ofDonor) {
        answering.set(key, byDonors.has(key) ? donor : (bySharers.get(key) ?? asset))
      }
    }
  }
  return named.filter(({ asset, key }) => (answering.get(key) ?? asset) === asset)
}

/** Which of the objects that were made for these assets their own records still name. */
async function namedByDonors(
  services: Services,
  tenant: string,
  donors: readonly string[],
): Promise<ReadonlySet<string>> {
  const named = new Set<string>()
  for (const chunk of chunksOf(donors)) {
    for (const record of await services.records.getMany(chunk.map((donor) => mediaKey(tenant, donor)))) {
      for (const { asset, key } of record ? objectsNamedBy(record) : []) {
        if (isOwnObject(tenant, asset, key)) named.add(key)
      }
    }
  }
  return named
}
