import * as z from '../zod.ts'
import { listChanges, parseChangesCursor, type ChangesCursor } from '../../core/changes.ts'
import { CatamaranError } from '../../domain/errors.ts'
import type { JsonObject } from '../../domain/json.ts'
import type { StoredRecord } from '../../domain/record.ts'
import type { Api } from '../api.ts'
import { answer } from '../answer.ts'
import { openCursor, sealCursor } from '../cursor.ts'
import { viewOfRecord } from '../record-view.ts'
import { route } from '../route.ts'
import { cursorParam, integerParam } from '../schemas/common.ts'
import { changesSchema } from '../schemas/records.ts'

/** API Gateway ends a request after 29 s. */
const waitSecondsMax = 20
/** What a Lambda can still answer with. */
const changesBytesMax = 4 * 1024 * 1024

export function addChangeRoutes(api: Api): void {
  const definition = {
    method: 'get',
    path: '/v1/changes',
    operationId: 'listChanges',
    tag: 'Changes',
    summary: 'Follow all changes',
    description:
      'The newest state of every record and asset in the order it arrived at this site, deletions included, at least once. With ' +
      '`wait`, an answer without items comes only after that many seconds. A page may be empty: go on from its cursor.',
    scope: 'records:read',
    query: z.strictObject({
      cursor: cursorParam,
      limit: integerParam(1, 500, 100, 'The most changes of an answer.'),
      wait: integerParam(0, waitSecondsMax, 0, 'Seconds to wait for a change.'),
    }),
    responses: { 200: { description: 'Changes.', schema: changesSchema, headers: ['Catamaran-Session'] } },
  } as const
  route(api, definition, async (call) => {
    const { tenant, query } = call
    const { signing } = api.options
    const scope = ['changes', tenant]
    const opened = query.cursor === undefined ? undefined : parseChangesCursor(openCursor(signing, scope, query.cursor))
    if (query.cursor !== undefined && !opened)
      throw new CatamaranError('invalid-cursor', 'The cursor belongs to another list.')
    const signal = call.c.req.raw.signal
    const page = await visibleChanges(api, tenant, {
      cursor: opened,
      limit: query.limit,
      waitMs: query.wait * 1000,
      signal,
    })
    const value = {
      items: page.items.map(viewOfRecord),
      cursor: sealCursor(signing, scope, page.cursor as unknown as JsonObject),
    }
    return answer(call, value, { seen: page.items.map((record) => record.vector) })
  })

  /** The system's own collections are left out, and an answer of them alone does not end the wait. */
  async function visibleChanges(
    { services }: Api,
    tenant: string,
    request: { cursor: ChangesCursor | undefined; limit: number; waitMs: number; signal: AbortSignal },
  ): Promise<{ items: StoredRecord[]; cursor: ChangesCursor }> {
    const deadlineMs = services.clock.monotonicMs() + request.waitMs
    let { cursor, limit } = request
    for (;;) {
      const waitMs = Math.max(0, deadlineMs - services.clock.monotonicMs())
      const page = await listChanges(services, tenant, { cursor, limit, waitMs, signal: request.signal })
      const items = page.items.filter((record) => !record.key.collection.startsWith('_'))
      // A page too large to answer with is read again from the same place, shorter.
      if (limit > 4 && sizeOf(items) > changesBytesMax) {
        limit = Math.max(4, Math.floor(limit / 4))
        continue
      }
      const over = services.clock.monotonicMs() >= deadlineMs || request.signal.aborted
      if (items.length > 0 || page.items.length === 0 || over) return { items, cursor: page.cursor }
      cursor = page.cursor
    }
  }
}

const sizeOf = (items: readonly StoredRecord[]): number =>
  items.reduce((bytes, record) => bytes + (record.body ? Buffer.byteLength(JSON.stringify(record.body)) : 0), 0)
