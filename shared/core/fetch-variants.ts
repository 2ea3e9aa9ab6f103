import type { VariantsBody } from '../domain/asset.ts'
import type { Via } from '../domain/record.ts'
import { wantObject } from './missing-objects.ts'
import { variantObjects } from './object-names.ts'
import type { Services } from './services.ts'

/** The list only grows at its end, so behind this many that are here the others are too, or are on their way. */
const knownInRowMax = 8

/** Has the variants that the peer made, or that this site has lost, copied here: the newest first. */
export async function fetchVariants(services: Services, tenant: string, body: VariantsBody, via: Via): Promise<void> {
  if (body.site === services.site && via !== 'peer') return
  let known = 0
  for (const { bytes, ...target } of variantObjects(tenant, body).reverse()) {
    if (known >= knownInRowMax) return
    if (await services.objects.head(target.key)) known++
    else {
      known = 0
      await wantObject(services, target, bytes)
    }
  }
}
