import { forEachOf } from '../../shared/core/each.ts'
import { hasCode } from '../../shared/domain/errors.ts'
import { stateOf } from '../../shared/core/record-history.ts'
import type { Site } from '../../shared/domain/site.ts'
import type { RecordStore, RecordWrite } from '../../shared/ports/record-store.ts'
import { startAwsStores } from '../../test/contract/aws-stores.ts'
import { startAzureStores } from '../../test/contract/azure-stores.ts'
import { storedStates } from './fill.ts'
import type { Stores } from './sites.ts'

const writesAtOnce = 100
const batchesAtOnce = 4
const triesMax = 5
const toldEvery = 20_000

export interface RealStores {
  readonly stores: Readonly<Record<Site, Stores>>
  close(): Promise<void>
}

/** The real adapters over DynamoDB Local and the local Cosmos DB server, with the same records at both. */
export async function realStores(count: number): Promise<RealStores> {
  const [aws, azure] = [await startAwsStores(), await startAzureStores()]
  const close = async (): Promise<void> => void (await Promise.all([aws.close(), azure.close()]))
  try {
    await Promise.all([fill('aws', aws.records, count), fill('azure', azure.records, count)])
    return { stores: { aws, azure }, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Stores them all, and tells on standard error how far it is: a million take the local servers half an hour. */
async function fill(site: Site, records: RecordStore, count: number): Promise<void> {
  const writes = storedStates(site, count).map(
    (record): RecordWrite => ({
      state: stateOf(record),
      condition: { kind: 'absent' },
      facts: { via: record.via, arrivalMs: record.arrivalMs },
    }),
  )
  const starts = Array.from({ length: Math.ceil(count / writesAtOnce) }, (_, batch) => batch * writesAtOnce)
  const began = performance.now()
  let stored = 0
  await forEachOf(starts, batchesAtOnce, async (start) => {
    const held = await putAll(records, writes.slice(start, start + writesAtOnce))
    stored += held
    if (stored % toldEvery === 0) tellProgress(site, stored, count, performance.now() - began)
  })
}

/** How many there are now. A request that a server was too busy for goes again, and finds some of its records stored. */
async function putAll(records: RecordStore, writes: readonly RecordWrite[]): Promise<number> {
  for (let tries = 1; ; tries++) {
    try {
      const outcomes = await records.putMany(writes)
      const refused = writes.filter((_, index) => outcomes[index]?.kind !== 'stored')
      const held = await records.getMany(refused.map(({ state }) => state.key))
      if (held.some((record) => record === undefined)) throw new Error('A record was not stored')
      return writes.length
    } catch (error) {
      if (!hasCode(error, 'unavailable') || tries >= triesMax) throw error
    }
  }
}

function tellProgress(site: Site, stored: number, count: number, tookMs: number): void {
  const perSecond = Math.round((stored / tookMs) * 1000)
  process.stderr.write(`${site}: ${stored} of ${count} records stored, ${perSecond} a second\n`)
}
