import { app } from '@azure/functions'
import { handleChanges } from '../../shared/core/feed.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import { changeOf } from '../adapters/change.ts'
import { composeServices } from '../compose.ts'

const services = composeServices('change-feed')

/** Cosmos DB change feed batch -> the core. What must be delivered again is thrown, and the retry policy holds the lease. */
app.cosmosDB('change-feed', {
  connection: 'COSMOS',
  databaseName: '%COSMOS_DATABASE%',
  containerName: 'records',
  leaseContainerName: 'leases',
  createLeaseContainerIfNotExists: false,
  startFromBeginning: true,
  maxItemsPerInvocation: 500,
  feedPollDelay: 250,
  retry: {
    strategy: 'exponentialBackoff',
    maxRetryCount: -1,
    minimumInterval: { seconds: 1 },
    maximumInterval: { minutes: 1 },
  },
  handler: async (documents: unknown[]) => {
    const { failed } = await handleChanges(
      services,
      documents.flatMap((document) => changeOf(document) ?? []),
    )
    if (failed.length > 0) throw new CatamaranError('unavailable', `${failed.length} changes must be delivered again.`)
  },
})
