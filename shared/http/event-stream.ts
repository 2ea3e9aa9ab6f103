/** What one message of a stream of server-sent events says (HTML, 9.2). `data` holds no line break. */
export interface StreamEvent {
  readonly id: string
  readonly name: string
  readonly data: string
}

/** How soon a client that lost the stream comes back. */
const retryMs = 1_000

/**
 * Events as an answer that goes on while they come. A client that goes away ends them. With `endsAtFirst`, for a platform that
 * sends an answer only when it is whole: the client comes back at once for the rest.
 */
export function eventStream(
  events: AsyncGenerator<StreamEvent | undefined>,
  { endsAtFirst, onCancel }: { readonly endsAtFirst: boolean; readonly onCancel: () => void },
): Response {
  const encoder = new TextEncoder()
  let isBegun = false
  const body = new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        if (!isBegun) {
          isBegun = true
          return controller.enqueue(encoder.encode(`retry: ${retryMs}\n\n`))
        }
        const { done, value } = await events.next()
        if (done) return controller.close()
        controller.enqueue(encoder.encode(value ? textOf(value) : ':\n\n'))
        if (endsAtFirst && value) {
          await events.return(undefined)
          controller.close()
        }
      },
      cancel: async () => {
        onCancel()
        await events.return(undefined)
      },
    },
    { highWaterMark: 0 },
  )
  const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' }
  return new Response(body, { headers })
}

const textOf = ({ id, name, data }: StreamEvent): string => `id: ${id}\nevent: ${name}\ndata: ${data}\n\n`
