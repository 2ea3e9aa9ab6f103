import * as z from '../zod.ts'
import { assetEvent, watchAsset, type AssetEvent } from '../../core/asset-events.ts'
import { getAsset } from '../../core/assets.ts'
import type { Api } from '../api.ts'
import { noContent } from '../answer.ts'
import { eventStream, type StreamEvent } from '../event-stream.ts'
import { route } from '../route.ts'
import { assetParams, assetPath, assetTag, noSuchAsset } from './assets.ts'

/** Where an answer goes on while it is sent, and where it is sent when it is whole (API Gateway waits 29 s). */
const streamedMs = 55_000
const heldMs = 20_000

export function addEventRoutes(api: Api): void {
  const definition = {
    method: 'get',
    path: `${assetPath}/events`,
    operationId: 'watchAsset',
    tag: assetTag,
    summary: 'Follow an asset until it is ready',
    description:
      'Server-sent events: `status` whenever status or progress change, the last one with `ready` or `failed`; `deleted` when the asset went. ' +
      'The connection ends after a minute at most, or where the platform cannot stream, with the first event: come back with Last-Event-ID, as EventSource does. ' +
      '204 says that nothing more will come.',
    scope: 'assets:read',
    params: assetParams,
    responses: {
      200: { description: 'The events.', schema: z.string(), mediaType: 'text/event-stream' },
      204: { description: 'The client has seen the last event.' },
    },
  } as const
  route(api, definition, async (call) => {
    const { services, tenant, params, c } = call
    const lastId = c.req.header('last-event-id')
    const now = assetEvent(params.id, await getAsset(services, tenant, params.id))
    if (now.isLast && now.id === lastId) return noContent(call)
    if (now.name === 'deleted' && lastId === undefined) throw noSuchAsset()
    const streams = api.options.streamsAnswers ?? false
    const ending = new AbortController()
    const signal = AbortSignal.any([ending.signal, c.req.raw.signal])
    const lifeMs = streams ? streamedMs : heldMs
    const events = asText(watchAsset(services, tenant, params.id, { lastId, lifeMs, signal }))
    return eventStream(events, { endsAtFirst: !streams, onCancel: () => ending.abort() })
  })
}

async function* asText(events: AsyncGenerator<AssetEvent | undefined>): AsyncGenerator<StreamEvent | undefined> {
  for await (const event of events) yield event && textOf(event)
}

const textOf = ({ id, name, data }: AssetEvent): StreamEvent => ({ id, name, data: JSON.stringify(data) })
