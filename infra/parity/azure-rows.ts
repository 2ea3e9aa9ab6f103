import { timeSpanMs, type HostSettings } from '../../local/azure/functions-host/settings.ts'
import type { Binding, FunctionMetadata } from '../../local/azure/functions-host/core-types.ts'
import { registrationsOf } from '../azure-app.ts'
import { resourcesOf } from '../bicep/deployments.ts'
import { at, isList, textOf, type Value } from '../bicep/value.ts'
import type { Sources } from '../sources.ts'
import { type Row, row } from './row.ts'

const methodsOfTheApi = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT']

/** What the Functions app registers when it is loaded, with what `host.json` and the Bicep files add. */
export async function azureRows(sources: Sources): Promise<Row[]> {
  const host = JSON.parse(await sources.text('host.json')) as HostSettings
  const registered = await registrationsOf(sources)
  return [
    ...(await Promise.all(registered.map((one) => functionRow(sources, one, host)))),
    ...(await dropRows(sources)),
    ...(await storeRows(sources)),
    row('runtime', {
      node: await factOf(sources, 'Microsoft.Web/sites', 'properties.functionAppConfig.runtime.version'),
    }),
    row('longest run', { seconds: (timeSpanMs(host.functionTimeout) ?? 0) / 1000 }),
  ]
}

/** One fact of every resource of a type; several when they differ. */
async function factOf(sources: Sources, type: string, path: string): Promise<string> {
  const values = (await resourcesOf(sources, type))
    .map((one) => one.at(...path.split('.')))
    .filter((value) => value !== undefined)
  return [...new Set(values.map(textOf))].join() || 'nothing'
}

async function functionRow(
  sources: Sources,
  { name, bindings, retryOptions }: FunctionMetadata,
  host: HostSettings,
): Promise<Row> {
  const trigger = Object.values(bindings).find(({ type }) => type.endsWith('Trigger'))
  if (trigger?.type === 'httpTrigger') return httpRow(name, trigger, host)
  if (trigger?.type === 'timerTrigger')
    return row(name, { trigger: 'timer', every: secondsOf(String(trigger['schedule'])) })
  if (trigger?.type === 'queueTrigger') {
    const queue = String(trigger['queueName'])
    const queues = (await resourcesOf(sources, 'Microsoft.Storage/storageAccounts/queueServices/queues')).map((one) =>
      one.name.split('/').at(-1),
    )
    return row(name, {
      trigger: 'queue',
      queue: queues.includes(queue) ? queue : `${queue}, which is not deployed`,
      inAnInstance: String(messagesAtOnce(host)),
      attempts: String(host.extensions?.queues?.maxDequeueCount),
      givenUp: queues.includes(`${queue}-poison`) ? 'kept' : 'lost',
      givesUpAfter: await messageLife(sources, queue),
      retryDelay: `${(timeSpanMs(host.extensions?.queues?.visibilityTimeout) ?? 0) / 1000} s`,
    })
  }
  return row(name, {
    trigger: 'change feed',
    of: String(trigger?.['containerName']),
    from: trigger?.['startFromBeginning'] === true ? 'the beginning' : 'now',
    batch: String(trigger?.['maxItemsPerInvocation']),
    attempts: retryOptions?.maxRetryCount === -1 ? 'for ever' : String(retryOptions?.maxRetryCount ?? 1),
    givesUpAfter: retryOptions?.maxRetryCount === -1 ? 'never' : 'the attempts',
    retryDelay: `${retryOptions?.minimumInterval?.seconds} s to ${retryOptions?.maximumInterval?.seconds} s`,
  })
}

/** The host takes a batch, and the next one while `newBatchSize` of it are still worked on. */
function messagesAtOnce({ extensions }: HostSettings): number {
  const { batchSize = 16, newBatchSize = Math.ceil(batchSize / 2) } = extensions?.queues ?? {}
  return batchSize + newBatchSize
}

/** How long a message stays in a queue: as Event Grid sends it, or our own adapter. */
async function messageLife(sources: Sources, queue: string): Promise<string> {
  const deliveries = await resourcesOf(sources, 'Microsoft.EventGrid/systemTopics/eventSubscriptions')
  const destinations = deliveries.map((one) =>
    one.at('properties', 'deliveryWithResourceIdentity', 'destination', 'properties'),
  )
  const lives = destinations
    .filter((one) => textOf(at(one, 'queueName') ?? '') === queue)
    .map((one) => textOf(at(one, 'queueMessageTimeToLiveInSeconds') ?? ''))
  const [, sent] = /messageTimeToLive: (-?\d+)/.exec(await sources.text('azure/adapters/job-queue.ts')) ?? []
  const life = [...new Set(lives)].join() || sent
  return life === '-1' ? 'never' : `${life} s`
}

function httpRow(name: string, trigger: Binding, host: HostSettings): Row {
  const methods = isList(trigger['methods'] as Value) ? (trigger['methods'] as readonly string[]) : []
  const missing = methodsOfTheApi.filter((method) => !methods.includes(method))
  return row(name, {
    trigger: 'http',
    paths: trigger['route'] === '{*path}' && host.extensions?.http?.routePrefix === '' ? 'all' : 'some',
    methods: missing.length === 0 ? 'all' : `all but ${missing.join()}`,
  })
}

/** A schedule of six fields, each so many full minutes, in seconds; anything else as it is. */
function secondsOf(schedule: string): string {
  const [, minutes] = /^0 \*(?:\/(\d+))? \* \* \* \*$/.exec(schedule) ?? [undefined, undefined]
  if (minutes !== undefined) return `${Number(minutes) * 60} s`
  return schedule === '0 * * * * *' ? '60 s' : schedule
}

async function dropRows(sources: Sources): Promise<Row[]> {
  const deliveries = await resourcesOf(sources, 'Microsoft.EventGrid/systemTopics/eventSubscriptions')
  const types = deliveries.flatMap((one) => one.at('properties', 'filter', 'includedEventTypes') ?? [])
  const queues = deliveries.map((one) =>
    textOf(one.at('properties', 'deliveryWithResourceIdentity', 'destination', 'properties', 'queueName') ?? ''),
  )
  const prefixes = deliveries.map((one) =>
    textOf(one.at('properties', 'filter', 'subjectBeginsWith') ?? '').replace(
      '/blobServices/default/containers/uploads/blobs/',
      '',
    ),
  )
  const events = types.map(
    (type) =>
      ({ 'Microsoft.Storage.BlobCreated': 'created', 'Microsoft.Storage.BlobDeleted': 'removed' })[textOf(type)] ??
      textOf(type),
  )
  return [
    row('drops', {
      queues: [...new Set(queues)].join(),
      prefixes: [...new Set(prefixes)].join(),
      events: [...new Set(events)].sort().join(),
    }),
  ]
}

async function storeRows(sources: Sources): Promise<Row[]> {
  const containers = await resourcesOf(sources, 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers')
  const [records, site] = ['records', 'site'].map((name) => containers.find((one) => one.name.endsWith(`/${name}`)))
  const composite = records?.at('properties', 'resource', 'indexingPolicy', 'compositeIndexes')
  const indexes = (isList(composite) ? composite : []).map((index) =>
    (isList(index) ? index : []).map((key) => textOf(at(key, 'path') ?? '').slice(1)).join('+'),
  )
  const rules = await resourcesOf(sources, 'Microsoft.Storage/storageAccounts/managementPolicies')
  const definitions = rules.flatMap((one) => one.at('properties', 'policy', 'rules') ?? [])
  const staging = definitions.find(
    (one) => JSON.stringify(at(one, 'definition', 'filters', 'prefixMatch')) === '["uploads/uploads/"]',
  )
  const objects = (await resourcesOf(sources, 'Microsoft.Storage/storageAccounts/blobServices/containers')).filter(
    ({ name }) => /\/(objects|uploads|vault)$/.test(name),
  )
  return [
    row('records', { indexes: indexes.sort().join(' ') }),
    row('site', { itemsExpire: site?.at('properties', 'resource', 'defaultTtl') === -1 }),
    row('staging', {
      oldVersionsDays: textOf(
        at(staging, 'definition', 'actions', 'version', 'delete', 'daysAfterCreationGreaterThan') ?? 'nothing',
      ),
    }),
    row('vault', {
      days: await factOf(
        sources,
        'Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies',
        'properties.immutabilityPeriodSinceCreationInDays',
      ),
    }),
    row('objects', { versions: objects.every((one) => one.parent?.at('properties', 'isVersioningEnabled') === true) }),
  ]
}
