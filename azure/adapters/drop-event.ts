import * as z from 'zod'

const event = z.object({
  eventType: z.string(),
  subject: z.string(),
  data: z.object({ contentLength: z.number().optional(), eTag: z.string().optional() }),
})

export interface DropEvent {
  readonly key: string
  readonly change: 'created' | 'removed'
  readonly bytes?: number
  readonly etag?: string
}

const subjectPattern = /^\/blobServices\/default\/containers\/[^/]+\/blobs\/(.+)$/s

/** The drop in an Event Grid event of Blob storage. The subject holds the blob's name as it is. */
export function dropsOf(body: unknown): DropEvent[] {
  const { eventType, subject, data } = event.parse(body)
  const key = subjectPattern.exec(subject)?.[1]
  const change = { 'Microsoft.Storage.BlobCreated': 'created', 'Microsoft.Storage.BlobDeleted': 'removed' }[
    eventType
  ] as DropEvent['change'] | undefined
  if (!key || !change) return []
  const bytes = data.contentLength === undefined ? {} : { bytes: data.contentLength }
  return [{ key, change, ...bytes, ...(data.eTag ? { etag: data.eTag } : {}) }]
}
