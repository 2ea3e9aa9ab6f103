import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { dynamoRecordStore } from '../aws/adapters/record-store.ts'
import { dynamoSiteStore } from '../aws/adapters/site-store.ts'
import { systemClock, systemRandom } from '../shared/adapters/clock.ts'
import { mintKey } from '../shared/core/keys.ts'
import type { Services } from '../shared/core/services.ts'
import { type Site, sites } from '../shared/domain/site.ts'
import { scopes } from '../shared/http/api.ts'
import { tableOf } from './aws/table-of.ts'
import type { Clouds } from './supervisor/clouds.ts'
import { apiOf } from './tour/api.ts'
import { until } from './tour/until.ts'

export const developmentTenant = 'demo'

const acceptedMsMaxDefault = 30_000

export interface SeedOptions {
  readonly signal?: AbortSignal | undefined
  /** How long each site may take to accept the key. */
  readonly acceptedMsMax?: number
}

/**
 * A tenant's development key with every scope: minted at the first call and kept in the data folder, where its owner
 * alone can read it. Resolves once both sites accept it; the second site learns of it by replication.
 */
export async function seedKey(clouds: Clouds, tenant = developmentTenant, options: SeedOptions = {}): Promise<string> {
  const path = join(clouds.dataFolder, 'aws', 'development-keys.json')
  const kept = await keptKeys(path)
  const known = kept[tenant]
  if (known && (await isAccepted(clouds, 'aws', known, options.signal))) return untilAccepted(clouds, known, options)
  const { text = '' } = await mintKey(await servicesOf(clouds), { tenant, name: 'Development', scopes })
  await writeFile(`${path}.tmp`, JSON.stringify({ ...kept, [tenant]: text }), { mode: 0o600 })
  await rename(`${path}.tmp`, path)
  return untilAccepted(clouds, text, options)
}

/** What a person needs for a first request of their own. */
export const keyLines = ({ urls }: Clouds, key: string): string[] => [
  `key    ${key}`,
  `try    curl -H 'Authorization: Bearer ${key}' '${urls.azure.api}/v1/assets?limit=3'`,
]

async function keptKeys(path: string): Promise<Readonly<Record<string, string>>> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Record<string, string>
  } catch {
    return {}
  }
}

async function untilAccepted(clouds: Clouds, key: string, options: SeedOptions): Promise<string> {
  const { signal, acceptedMsMax: timeoutMs = acceptedMsMaxDefault } = options
  for (const site of sites) {
    const what = `the development key accepted at ${site}`
    await until(what, () => isAccepted(clouds, site, key, signal), { timeoutMs, signal })
  }
  return key
}

async function isAccepted(clouds: Clouds, site: Site, key: string, signal: AbortSignal | undefined): Promise<boolean> {
  const path = '/v1/collections/any/records?limit=1'
  const { status } = await apiOf(site, clouds.urls[site].api, key, signal).call('GET', path, { status: [200, 401] })
  return status === 200
}

/** As much of the AWS site as minting a key needs: its two tables. */
async function servicesOf({ connections }: Clouds): Promise<Services> {
  const { region, credentials, dynamodb } = connections.aws
  const client = new DynamoDBClient({ region, credentials, endpoint: dynamodb })
  return {
    site: 'aws',
    records: dynamoRecordStore({ client, table: await tableOf(client, 'records') }),
    siteStore: dynamoSiteStore({ client, table: await tableOf(client, 'site') }),
    clock: systemClock,
    random: systemRandom,
    telemetry: { log: () => undefined, metric: () => undefined },
    objects: unused('objects'),
    jobs: unused('jobs'),
    peer: unused('peer'),
    delivery: unused('delivery'),
  }
}

function unused<Name extends 'objects' | 'jobs' | 'peer' | 'delivery'>(name: Name): Services[Name] {
  const get = (): never => {
    throw new Error(`Minting a key has no use for ${name}`)
  }
  return new Proxy({}, { get }) as Services[Name]
}
