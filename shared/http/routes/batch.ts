import { CatamaranError } from '../../domain/errors.ts'
import type { Api } from '../api.ts'
import { idempotencyKeyOf } from '../answer.ts'
import { batchLineBytesMax, batchLinesMax, runBatch } from '../batch.ts'
import { assertClientCollection } from '../record-view.ts'
import { mediaTypeOf } from '../request-body.ts'
import { route } from '../route.ts'
import { batchAnswerSchema } from '../schemas/records.ts'
import { collectionParams, collectionPath } from './records.ts'

const mediaTypes: readonly string[] = ['application/x-ndjson', 'application/ndjson', 'application/jsonl']

export function addBatchRoutes(api: Api): void {
  const definition = {
    method: 'post',
    path: `${collectionPath}/batch`,
    operationId: 'batchRecords',
    tag: 'Records',
    summary: 'Write many records',
    description:
      'Newline-delimited JSON, one operation a line: `{"op":"put","id":"a","body":{}}`, `patch` or `delete`, with `ifMatch` ' +
      `or (put) \`ifNoneMatch: "*"\` if wanted. Each line stands alone: one answer line for each, in order, with its own status. At most ` +
      `${batchLinesMax} lines of ${batchLineBytesMax} bytes. With an Idempotency-Key, a repeated batch repeats no line.`,
    scope: 'records:write',
    params: collectionParams,
    content: { 'application/x-ndjson': 'Lines of the schema BatchLine.' },
    requestHeaders: ['Idempotency-Key', 'Prefer'],
    responses: {
      200: { description: 'One line for each line.', schema: batchAnswerSchema, mediaType: 'application/x-ndjson' },
    },
  } as const
  route(api, definition, async (call) => {
    const request = call.c.req.raw
    const mediaType = mediaTypeOf(call.c.req.header('content-type'))
    assertClientCollection(call.params.collection)
    if (!mediaTypes.includes(mediaType)) {
      throw new CatamaranError('unsupported-media-type', `The Content-Type must be ${mediaTypes.join(' or ')}.`)
    }
    idempotencyKeyOf(call)
    const content = request.body ?? new ReadableStream<Uint8Array>({ start: (controller) => controller.close() })
    call.c.header('content-type', 'application/x-ndjson')
    return call.c.body(ndjsonStream(runBatch(call, call.params.collection, content)))
  })
}

/** Made as it is read; a reader that goes away stops the batch at its window. */
function ndjsonStream(lines: AsyncGenerator<object>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await lines.next()
      if (done) controller.close()
      else controller.enqueue(encoder.encode(`${JSON.stringify(value)}\n`))
    },
    async cancel() {
      await lines.return(undefined)
    },
  })
}
