import {
  createDefaultHttpClient,
  createHttpHeaders,
  type HttpClient,
  type PipelineRequest,
} from '@azure/core-rest-pipeline'
import { CosmosClient } from '@azure/cosmos'
import { BlobServiceClient } from '@azure/storage-blob'
import { QueueServiceClient } from '@azure/storage-queue'
import { systemClock, systemRandom } from '../shared/adapters/clock.ts'
import { composePeer } from '../shared/http/compose-peer.ts'
import type { Services } from '../shared/core/services.ts'
import type { Analysis } from '../shared/ports/analysis.ts'
import { visionAnalysis } from './adapters/analysis.ts'
import { blobDelivery } from './adapters/delivery.ts'
import { functionIdentity, type Identity } from './adapters/identity.ts'
import { storageJobQueue, storageQueue } from './adapters/job-queue.ts'
import { blobObjectStore } from './adapters/object-store.ts'
import { entraCredentials } from './adapters/peer-credentials.ts'
import { cosmosRecordStore } from './adapters/record-store.ts'
import { cosmosSiteStore } from './adapters/site-store.ts'
import { monitorTelemetry } from './adapters/telemetry.ts'
import { type AzureConfig, readConfig } from './config.ts'

/** The ports of this site over Azure's services. `service` names the function in logs and metrics. */
export function composeServices(service: string, config: AzureConfig = readConfig()): Services {
  const { database, blobs, queues } = clientsOf(config)
  // Only the cloud itself can read from a URL of another cloud; the local server cannot.
  const objects = { client: blobs, copyFromUrl: config.STORAGE === undefined }
  const queuesNamed = (name: string) => ({
    queue: queues.getQueueClient(name),
    poisonQueue: queues.getQueueClient(`${name}-poison`),
  })
  return {
    site: 'azure',
    incarnation: config.SITE_INCARNATION,
    records: cosmosRecordStore({ container: database.container('records') }),
    siteStore: cosmosSiteStore({ container: database.container('site') }),
    objects: blobObjectStore(objects),
    jobs: storageJobQueue(queuesNamed('jobs')),
    dropEvents: storageQueue(queuesNamed('upload-events')),
    peer: composePeer('azure', config, (audience) => entraCredentials({ identity: identityOf(config), audience })),
    delivery: blobDelivery({ ...objects, edgeUrl: config.EDGE_URL }),
    clock: systemClock,
    random: systemRandom,
    telemetry: monitorTelemetry({
      service,
      stage: config.CATAMARAN_STAGE,
      level: config.LOG_LEVEL,
      clock: systemClock,
    }),
  }
}

/** What looks at pictures here, if the configuration names anything to look for. */
export function composeAnalysis(config: AzureConfig = readConfig()): Analysis | undefined {
  const { ANALYSIS_FEATURES: features, VISION_ENDPOINT: endpoint } = config
  return features && endpoint ? visionAnalysis({ identity: identityOf(config), features, endpoint }) : undefined
}

type Clients = ReturnType<typeof makeClients>
let clients: Clients | undefined

/** All functions of the app share one process, and so one set of connections. */
const clientsOf = (config: AzureConfig): Clients => (clients ??= makeClients(config))

const identityOf = ({ AZURE_CLIENT_ID: clientId, IDENTITY_ENDPOINT, IDENTITY_HEADER }: AzureConfig): Identity =>
  functionIdentity({ endpoint: IDENTITY_ENDPOINT, header: IDENTITY_HEADER, clientId })

function makeClients(config: AzureConfig) {
  const identity = () => identityOf(config)
  const httpClient = withoutIdlePlans(createDefaultHttpClient())
  const cosmos = config.COSMOS
    ? new CosmosClient({
        ...connectionOf(config.COSMOS),
        connectionPolicy: { enableEndpointDiscovery: false },
        httpClient,
      })
    : new CosmosClient({ endpoint: config.COSMOS__accountEndpoint ?? '', aadCredentials: identity(), httpClient })
  const blobs = config.STORAGE
    ? BlobServiceClient.fromConnectionString(config.STORAGE)
    : new BlobServiceClient(config.STORAGE__blobServiceUri ?? '', identity())
  const queues = config.STORAGE
    ? QueueServiceClient.fromConnectionString(config.STORAGE)
    : new QueueServiceClient(config.STORAGE__queueServiceUri ?? '', identity())
  return { database: cosmos.database(config.COSMOS_DATABASE), blobs, queues }
}

/**
 * The SDK asks for a plan of every query beside the query itself, and throws it away where a single partition answers: that is
 * every second call of a list.
 */
export function withoutIdlePlans(client: HttpClient): HttpClient {
  const isIdle = ({ headers, body }: PipelineRequest): boolean =>
    headers.has('x-ms-cosmos-is-query-plan-request') && typeof body === 'string' && body.includes('WHERE c.pk = @pk')
  return {
    sendRequest: async (request) =>
      isIdle(request)
        ? {
            request,
            status: 400,
            headers: createHttpHeaders(),
            bodyAsText: '{"message":"One partition needs no plan"}',
          }
        : client.sendRequest(request),
  }
}

/** `AccountEndpoint=...;AccountKey=...;` */
function connectionOf(connectionString: string): { endpoint: string; key: string } {
  const parts = connectionString.split(';').map((part) => [part.split('=', 1)[0], part.slice(part.indexOf('=') + 1)])
  const { AccountEndpoint = '', AccountKey = '' } = Object.fromEntries(parts) as Record<string, string>
  return { endpoint: AccountEndpoint, key: AccountKey }
}
