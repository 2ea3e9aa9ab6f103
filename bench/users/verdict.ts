import { judge, untilAlike, type Verdict } from '../../local/drill/holdings.ts'
import { apiOf } from '../../local/tour/api.ts'
import type { Site } from '../../shared/domain/site.ts'
import type { Crowd, CrowdOptions } from './crowd.ts'

const alikeMsMax = 600_000
const alikeEveryMs = 2_000

/** Reads everything back at both sites, tenant by tenant. Throws when they do not come to hold the same. */
export async function judgeAll(
  { ledgers }: Pick<Crowd, 'ledgers'>,
  { tenants, collection, urls, signal }: Pick<CrowdOptions, 'tenants' | 'collection' | 'urls' | 'signal'>,
): Promise<Verdict> {
  const verdicts: Verdict[] = []
  for (const [index, ledger] of ledgers.entries()) {
    const api = (site: Site) => apiOf(site, urls[site].api, tenants[index]?.key ?? '', signal)
    const waiting = { timeoutMs: alikeMsMax, everyMs: alikeEveryMs, signal }
    verdicts.push(judge(ledger, await untilAlike({ aws: api('aws'), azure: api('azure') }, [collection], waiting)))
  }
  return {
    lost: verdicts.flatMap(({ lost }) => lost),
    doubled: verdicts.flatMap(({ doubled }) => doubled),
    conflicts: verdicts.reduce((sum, { conflicts }) => sum + conflicts, 0),
  }
}
