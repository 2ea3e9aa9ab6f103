import { forEachOf } from '../../shared/core/each.ts'
import { stateOf } from '../../shared/core/record-history.ts'
import type { Site } from '../../shared/domain/site.ts'
import type { RecordStore, RecordWrite } from '../../shared/ports/record-store.ts'
import { startAwsStores } from '../../test/contract/aws-stores.ts'
import { startAzureStores } from '../../test/contract/azure-stores.ts'
import { storedStates } from './fill.ts'
import type { Stores } from './sites.ts'

const writesAtOnce = 100
const batchesAtOnce = 4

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

async function fill(site: Site, records: RecordStore, count: number): Promise<void> {
  const writes = storedStates(site, count).map(
    (record): RecordWrite => ({
      state: stateOf(record),
      condition: { kind: 'absent' },
      facts: { via: record.via, arrivalMs: record.arrivalMs },
    }),
  )
  const starts = Array.from({ length: Math.ceil(count / writesAtOnce) }, (_, batch) => batch * writesAtOnce)
  await forEachOf(starts, batchesAtOnce, async (start) => {
    const outcomes = await records.putMany(writes.slice(start, start + writesAtOnce))
    if (outcomes.some(({ kind }) => kind !== 'stored')) throw new Error(`${site} did not store a record`)
  })
}
