import { sites } from '../../shared/domain/site.ts'
import { until } from '../tour/until.ts'
import type { Cast } from './things.ts'

interface Status {
  readonly lastCleanMs: number | null
  readonly missingObjects: { readonly count: number }
}

const alikeMsMax = 180_000

/**
 * Waits until each site has compared itself with the other one from now on and found no difference, in what the product
 * keeps for itself neither, and lacks no object.
 */
export async function untilAlike({ apis }: Pick<Cast, 'apis'>): Promise<void> {
  const sinceMs = Date.now()
  const wait = async (site: (typeof sites)[number]): Promise<void> => {
    let status: Status | undefined
    const isAlike = async (): Promise<boolean> => {
      status = await apis[site].get<Status>('/v1/replication')
      return (status.lastCleanMs ?? 0) >= sinceMs && status.missingObjects.count === 0
    }
    await until(`${site} alike`, isAlike, { timeoutMs: alikeMsMax, everyMs: 500, seen: () => status })
  }
  await Promise.all(sites.map(wait))
}
