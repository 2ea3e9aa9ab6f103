import type * as z from 'zod'
import { systemRandom } from '../adapters/clock.ts'
import { traceparentOf, tracesIn } from '../core/trace.ts'
import { CatamaranError, isCatamaranError } from '../domain/errors.ts'
import { isJsonObject } from '../domain/json.ts'
import { keyText, type RecordKey, type RecordState } from '../domain/record.ts'
import type { Page } from '../ports/page.ts'
import type { BucketsAnswer, OfferOutcome, Peer, PeerStatus, ReadGrant, SummaryAnswer } from '../ports/peer.ts'
import { isWorthPacking, pack, unpacksHeader } from './peer-packing.ts'
import { bucketsAnswerSchema, fetchedSchema, recordStateSchema, summaryAnswersSchema } from './peer-schemas.ts'
import { readBody } from './request-body.ts'

export interface PeerClientOptions {
  /** The peer's API base URL. */
  readonly url: string
  readonly token: () => Promise<string>
  readonly fetch?: typeof fetch
  readonly timeoutMs?: number
}

const timeoutMsDefault = 10_000

/** A hundred states of the largest size, and room for a newer version that says more. Unpacked. */
const answerBytesMax = 48 * 2 ** 20

/** The peer over HTTP. Whatever keeps an answer away is `peer-unavailable`; a refusal carries the peer's own words. */
export function peerClient(options: PeerClientOptions): Peer {
  const call = caller(options)
  const post = async <Answer>(path: string, body: unknown, traceparent?: string): Promise<Answer> =>
    (await call(path, JSON.stringify(body), traceparent)) as Answer
  return {
    offer: async (states) =>
      (await post<{ outcomes: OfferOutcome[] }>('offer', { states }, traceparentFor(states))).outcomes,
    read: async (keys) => {
      const { states } = await post<{ states: unknown[] }>('read', { keys })
      return keys.map((key, index) => stateAskedFor(key, states[index]))
    },
    list: async (collection, page) => post<Page<RecordState>>('list', { collection, page }),
    grantRead: async (keys, as) =>
      defined((await post<{ grants: (ReadGrant | null)[] }>('read-grants', { keys, as })).grants),
    summaries: async (requests, salt) =>
      checked(summaryAnswersSchema, await post('summaries', { requests, salt })).answers as SummaryAnswer[],
    compareBuckets: async (questions) =>
      checked(bucketsAnswerSchema, await post('compare-buckets', { questions })) as BucketsAnswer,
    fetchObjects: async (targets) => checked(fetchedSchema, await post('fetch-objects', { targets })).fetched,
    status: async () => (await call('status')) as PeerStatus,
  }
}

/** A batch that belongs to one trace says so; one of several does in its states. */
function traceparentFor(states: readonly RecordState[]): string | undefined {
  const [trace, ...others] = tracesIn(states)
  if (trace === undefined || others.length > 0) return undefined
  return traceparentOf({ trace, span: Buffer.from(systemRandom.bytes(8)).toString('hex') })
}

const defined = <Item>(items: readonly (Item | null)[]): (Item | undefined)[] => items.map((item) => item ?? undefined)

/** What is not a state of this record counts as none. */
function stateAskedFor(key: RecordKey, answer: unknown): RecordState | undefined {
  const parsed = recordStateSchema.safeParse(answer)
  return parsed.success && keyText(parsed.data.key) === keyText(key) ? (parsed.data as RecordState) : undefined
}

function checked<Schema extends z.ZodType>(schema: Schema, answer: unknown): z.output<Schema> {
  const parsed = schema.safeParse(answer)
  if (parsed.success) return parsed.data
  const reason = parsed.error.issues[0]?.message ?? ''
  throw new CatamaranError('conflict', `The peer site answered something unreadable: ${reason}`)
}

/** Without a body it is a GET. Bodies are packed once the peer has said that it unpacks them. */
function caller(options: PeerClientOptions): (path: string, body?: string, traceparent?: string) => Promise<unknown> {
  let peerUnpacks = false
  const send = async (
    path: string,
    body: string | undefined,
    { isPacked, traceparent }: { readonly isPacked: boolean; readonly traceparent: string | undefined },
  ): Promise<Response> => {
    const url = `${options.url.replace(/\/$/, '')}/peer/v1/${path}`
    const response = await (options.fetch ?? fetch)(url, {
      ...(body === undefined ? { method: 'GET' } : { method: 'POST', body: isPacked ? await pack(body) : body }),
      headers: {
        authorization: `Bearer ${await options.token()}`,
        'content-type': 'application/json',
        ...(isPacked ? { 'content-encoding': 'gzip' } : {}),
        ...(traceparent === undefined ? {} : { traceparent }),
      },
      signal: AbortSignal.timeout(options.timeoutMs ?? timeoutMsDefault),
    })
    peerUnpacks = response.headers.get(unpacksHeader) === 'gzip'
    // An older version has taken the newer one's place.
    return isPacked && response.status === 415 ? send(path, body, { isPacked: false, traceparent }) : response
  }
  return async (path, body, traceparent) => {
    try {
      const isPacked = peerUnpacks && isWorthPacking(body?.length ?? 0)
      const response = await send(path, body, { isPacked, traceparent })
      if (!response.ok) throw await refusal(response)
      return JSON.parse(Buffer.from(await readBody(response, answerBytesMax)).toString()) as unknown
    } catch (cause) {
      if (isCatamaranError(cause)) throw cause
      throw new CatamaranError('peer-unavailable', 'The peer site cannot be reached or did not answer in time.', {
        cause,
      })
    }
  }
}

/** 5xx and 429 pass by themselves; another 4xx is a disagreement between the sites that an operator must see. */
async function refusal(response: Response): Promise<CatamaranError> {
  const text = (await response.text()).slice(0, 500)
  if (response.status === 503 && codeOf(text) === 'replication-paused') {
    return new CatamaranError('replication-paused', 'An operator has paused replication at the peer site.', {
      retryAfterMs: Number(response.headers.get('retry-after') ?? 0) * 1000,
    })
  }
  const passing = response.status >= 500 || response.status === 429 || response.status === 408
  return new CatamaranError(
    passing ? 'peer-unavailable' : 'conflict',
    `The peer site answered ${response.status}: ${text}`,
    { publicMessage: `The peer site answered ${response.status}.` },
  )
}

/** The stable code of a problem document; undefined when it is none. */
function codeOf(text: string): unknown {
  try {
    const problem = JSON.parse(text) as unknown
    return isJsonObject(problem) ? problem['code'] : undefined
  } catch {
    return undefined
  }
}
