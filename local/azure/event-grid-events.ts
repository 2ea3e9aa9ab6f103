import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { EventSubscription } from './stores.ts'

/** A change of a blob that a request asks for, by Event Grid's name of the operation. */
export interface BlobChange {
  readonly api: 'PutBlob' | 'PutBlockList' | 'CopyBlob' | 'DeleteBlob'
  readonly account: string
  readonly container: string
  /** As the blob is called, not percent-encoded. */
  readonly blob: string
  readonly clientRequestId: string
}

export interface BlobFacts {
  readonly etag: string
  readonly contentType: string
  readonly contentLength: number
  readonly blobType: string
  readonly url: string
  readonly requestId: string
}

function apiOf(method: string, query: URLSearchParams, headers: IncomingHttpHeaders): BlobChange['api'] | undefined {
  const comp = query.get('comp')
  if (query.has('restype') || query.has('snapshot') || query.has('versionid')) return undefined
  if (method === 'DELETE' && comp === null) return 'DeleteBlob'
  if (method !== 'PUT') return undefined
  if (comp === 'blocklist') return 'PutBlockList'
  if (comp !== null) return undefined
  if (headers['x-ms-copy-source'] !== undefined && headers['x-ms-blob-type'] === undefined) return 'CopyBlob'
  return headers['x-ms-blob-type'] === undefined ? undefined : 'PutBlob'
}

/** The change that a request to the blob service asks for; undefined for reads, blocks, properties and the like. */
export function blobChange(method: string, url: string, headers: IncomingHttpHeaders): BlobChange | undefined {
  const { pathname, searchParams } = new URL(url, 'http://local')
  const api = apiOf(method, searchParams, headers)
  const [, account, container, ...rest] = pathname.split('/')
  if (api === undefined || account === undefined || container === undefined || rest.length === 0) return undefined
  try {
    const blob = decodeURIComponent(rest.join('/'))
    return { api, account, container, blob, clientRequestId: String(headers['x-ms-client-request-id'] ?? '') }
  } catch {
    return undefined
  }
}

export const eventTypeOf = ({ api }: BlobChange): string =>
  api === 'DeleteBlob' ? 'Microsoft.Storage.BlobDeleted' : 'Microsoft.Storage.BlobCreated'

export const subscribed = (subscription: EventSubscription, change: BlobChange): boolean =>
  subscription.container === change.container &&
  change.blob.startsWith(subscription.prefix) &&
  subscription.eventTypes.includes(eventTypeOf(change))

let sequence = 0

/** 32 hexadecimal digits that sort in the order in which changes happened. */
function nextSequencer(): string {
  const now = Date.now() * 4096
  sequence = Math.max(sequence + 1, now)
  return sequence.toString(16).padStart(32, '0')
}

/** One event in Event Grid's own schema (not CloudEvents), as the storage account topic sends it. */
export function storageEvent(change: BlobChange, facts: BlobFacts): Record<string, unknown> {
  const group = '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/local'
  return {
    topic: `${group}/providers/Microsoft.Storage/storageAccounts/${change.account}`,
    subject: `/blobServices/default/containers/${change.container}/blobs/${change.blob}`,
    eventType: eventTypeOf(change),
    id: randomUUID(),
    data: {
      api: change.api,
      clientRequestId: change.clientRequestId,
      requestId: facts.requestId,
      eTag: facts.etag.replaceAll('"', ''),
      contentType: facts.contentType,
      contentLength: facts.contentLength,
      blobType: facts.blobType,
      accessTier: 'Default',
      url: facts.url,
      sequencer: nextSequencer(),
      storageDiagnostics: { batchId: randomUUID() },
    },
    dataVersion: '',
    metadataVersion: '1',
    eventTime: new Date().toISOString(),
  }
}
