import { Hono, type Context } from 'hono'
import type * as z from 'zod'
import { applyStates } from '../core/apply.ts'
import { answerBuckets } from '../core/bucket-reading.ts'
import { fetchForPeer } from '../core/mend-object.ts'
import { statusForPeer } from '../core/peer-status.ts'
import { grantReads, listForPeer, readForPeer } from '../core/peer-service.ts'
import type { Services } from '../core/services.ts'
import { answerSummaries } from '../core/summaries.ts'
import { CatamaranError } from '../domain/errors.ts'
import type { RecordState } from '../domain/record.ts'
import type { OfferOutcome } from '../ports/peer.ts'
import { packAnswers, readUnpacked } from './peer-packing.ts'
import {
  bucketQuestionsSchema,
  grantsSchema,
  keysSchema,
  listSchema,
  objectTargetsSchema,
  offerSchema,
  recordStateSchema,
  summariesSchema,
} from './peer-schemas.ts'
import { decodeUtf8 } from './request-body.ts'

/** The most bytes of a call: twice what the other site sends at most, since this one may be of an older version. */
const peerBodyBytesMax = 2 * 2 ** 20

/** The peer API: narrow, for the other site only, and without a verb that erases. Errors are left to the app. */
export function peerRoutes(services: Services, verify: (token: string) => Promise<void>): Hono {
  const routes = new Hono()
  routes.use('*', async (context, next) => {
    await verify((context.req.header('authorization') ?? '').replace(/^Bearer /i, ''))
    await next()
  })
  routes.use('*', packAnswers)
  routes.post('/offer', async (context) => {
    const { states } = await bodyOf(context, offerSchema)
    return context.json({ outcomes: await takeOffer(services, states) })
  })
  routes.post('/read', async (context) => {
    const { keys } = await bodyOf(context, keysSchema)
    return context.json({ states: (await readForPeer(services, keys)).map((state) => state ?? null) })
  })
  routes.post('/list', async (context) => {
    const { collection, page } = await bodyOf(context, listSchema)
    return context.json(await listForPeer(services, collection, page))
  })
  routes.post('/read-grants', async (context) => {
    const { keys, as } = await bodyOf(context, grantsSchema)
    return context.json({ grants: (await grantReads(services, keys, as)).map((grant) => grant ?? null) })
  })
  routes.post('/summaries', async (context) => {
    const { requests, salt } = await bodyOf(context, summariesSchema)
    return context.json({ answers: await answerSummaries(services, requests, salt) })
  })
  routes.post('/compare-buckets', async (context) => {
    const { questions } = await bodyOf(context, bucketQuestionsSchema)
    return context.json(await answerBuckets(services, questions))
  })
  routes.post('/fetch-objects', async (context) => {
    const { targets } = await bodyOf(context, objectTargetsSchema)
    return context.json({ fetched: await fetchForPeer(services, targets) })
  })
  routes.get('/status', async (context) => context.json(await statusForPeer(services)))
  return routes
}

async function bodyOf<Schema extends z.ZodType>(context: Context, schema: Schema): Promise<z.output<Schema>> {
  const parsed = schema.safeParse(await jsonOf(context.req.raw))
  if (parsed.success) return parsed.data
  throw new CatamaranError(
    'invalid-request',
    `The peer sent something unreadable: ${parsed.error.issues[0]?.message ?? ''}`,
  )
}

/** Undefined when it is no JSON. Throws `too-large` without reading on, `invalid-request` when it cannot be unpacked. */
async function jsonOf(request: Request): Promise<unknown> {
  const bytes = await readUnpacked(request, peerBodyBytesMax)
  try {
    return JSON.parse(decodeUtf8(bytes)) as unknown
  } catch {
    return undefined
  }
}

/** States are checked one by one, so that a malformed one fails alone. */
async function takeOffer(services: Services, states: readonly unknown[]): Promise<OfferOutcome[]> {
  const parsed = states.map((state) => recordStateSchema.safeParse(state))
  const good = parsed.flatMap((result) => (result.success ? [result.data as RecordState] : []))
  const applied = await applyStates(services, good)
  let next = 0
  return parsed.map((result) => {
    if (!result.success)
      return { kind: 'failed', code: 'invalid-request', detail: result.error.issues[0]?.message ?? '' }
    return applied[next++] ?? { kind: 'failed', code: 'internal', detail: 'No outcome.' }
  })
}
