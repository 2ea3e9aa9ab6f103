import * as z from 'zod'

const notification = z.object({
  Records: z
    .array(
      z.object({
        eventName: z.string(),
        s3: z.object({
          object: z.object({ key: z.string(), size: z.number().optional(), eTag: z.string().optional() }),
        }),
      }),
    )
    // S3 sends a test message without records when a notification is set up.
    .default([]),
})

export interface DropEvent {
  readonly key: string
  readonly change: 'created' | 'removed'
  readonly bytes?: number
  readonly etag?: string
}

/** The drops in an S3 event notification (message structure 2.x). Keys come form-encoded. */
export const dropsOf = (body: unknown): DropEvent[] =>
  notification.parse(body).Records.flatMap(({ eventName, s3: { object } }) => {
    const change = eventName.startsWith('ObjectCreated:')
      ? 'created'
      : eventName.startsWith('ObjectRemoved:')
        ? 'removed'
        : undefined
    if (!change) return []
    const key = decodeURIComponent(object.key.replace(/\+/g, ' '))
    return [
      {
        key,
        change,
        ...(object.size === undefined ? {} : { bytes: object.size }),
        ...(object.eTag ? { etag: object.eTag } : {}),
      },
    ]
  })
