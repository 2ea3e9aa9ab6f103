import { CosmosClient } from '@azure/cosmos'
import { QueueServiceClient } from '@azure/storage-queue'
import { storageJobQueue } from '../../azure/adapters/job-queue.ts'
import { cosmosRecordStore } from '../../azure/adapters/record-store.ts'
import { localPolicy, parseConnection } from '../../local/azure/provision.ts'
import type { JobBody } from '../../shared/domain/asset.ts'
import { recordShardCount } from '../../shared/domain/record.ts'
import type { Pair } from './pair.ts'

/** The jobs of one asset at Azure, as no user sees them. */
export interface FilmJobs extends Disposable {
  /** Of the parts alone. */
  parts(): Promise<JobBody[]>
  /** Gives the film's job its message once more, as the sweep does every minute, so that it looks how far its parts are. */
  wake(): Promise<void>
}

const jobsMax = 1_000

export function filmJobs({ clouds, tenant }: Pair, asset: string): FilmJobs {
  const { cosmos, cosmosDatabase, storage } = clouds.connections.azure
  const client = new CosmosClient({ ...parseConnection(cosmos), connectionPolicy: localPolicy })
  const records = cosmosRecordStore({ container: client.database(cosmosDatabase).container('records') })
  const queues = QueueServiceClient.fromConnectionString(storage)
  const queue = storageJobQueue({
    queue: queues.getQueueClient('jobs'),
    poisonQueue: queues.getQueueClient('jobs-poison'),
  })
  const all = async (): Promise<{ id: string; job: JobBody }[]> => {
    const shards = Array.from({ length: recordShardCount }, (_, shard) =>
      records.query({ tenant, collection: '_jobs', shard }, { limit: jobsMax }),
    )
    const items = (await Promise.all(shards)).flatMap((page) => page.items)
    return items.map(({ key, body }) => ({ id: key.id, job: body as JobBody })).filter(({ job }) => job.asset === asset)
  }
  let film: string | undefined
  return {
    parts: async () => (await all()).map(({ job }) => job).filter(({ kind }) => kind === 'film-part'),
    wake: async () => {
      film ??= (await all()).find(({ job }) => job.kind === 'process')?.id
      if (film !== undefined) await queue.send({ kind: 'process', payload: { tenant, job: film } })
    },
    [Symbol.dispose]: () => client.dispose(),
  }
}
