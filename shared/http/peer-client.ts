import { CatamaranError } from '../domain/errors.ts'
import type { RecordState } from '../domain/record.ts'
import type { Page } from '../ports/page.ts'
import type { OfferOutcome, Peer, PeerStatus, ReadGrant, SummaryAnswer } from '../ports/peer.ts'

export interface PeerClientOptions {
  /** The peer's API base URL. */
  readonly url: string
  readonly token: () => Promise<string>
  readonly fetch?: typeof fetch
  readonly timeoutMs?: number
}

const timeoutMsDefault = 10_000

/** The peer over HTTP. Whatever keeps an answer away is `peer-unavailable`; a refusal carries the peer's own words. */
export function peerClient(options: PeerClientOptions): Peer {
  const post = async <Answer>(path: string, body: unknown): Promise<Answer> =>
    call<Answer>(options, path, { method: 'POST', body: JSON.stringify(body) })
  return {
    offer: async (states) => (await post<{ outcomes: OfferOutcome[] }>('offer', { states })).outcomes,
    read: async (keys) => defined((await post<{ states: (RecordState | null)[] }>('read', { keys })).states),
    list: async (collection, page) => post<Page<RecordState>>('list', { collection, page }),
    grantRead: async (keys, as) =>
      defined((await post<{ grants: (ReadGrant | null)[] }>('read-grants', { keys, as })).grants),
    summaries: async (requests) => (await post<{ answers: SummaryAnswer[] }>('summaries', { requests })).answers,
    status: async () => call<PeerStatus>(options, 'status', { method: 'GET' }),
  }
}

const defined = <Item>(items: readonly (Item | null)[]): (Item | undefined)[] => items.map((item) => item ?? undefined)

async function call<Answer>(options: PeerClientOptions, path: string, init: RequestInit): Promise<Answer> {
  const url = `${options.url.replace(/\/$/, '')}/peer/v1/${path}`
  const headers = { authorization: `Bearer ${await options.token()}`, 'content-type': 'application/json' }
  const signal = AbortSignal.timeout(options.timeoutMs ?? timeoutMsDefault)
  try {
    const response = await (options.fetch ?? fetch)(url, { ...init, headers, signal })
    if (response.ok) return (await response.json()) as Answer
    throw await refusal(response)
  } catch (cause) {
    if (cause instanceof CatamaranError) throw cause
    throw new CatamaranError('peer-unavailable', 'The peer site cannot be reached or did not answer in time.', {
      cause,
    })
  }
}

/** 5xx and 429 pass by themselves; another 4xx is a disagreement between the sites that an operator must see. */
async function refusal(response: Response): Promise<CatamaranError> {
  const text = (await response.text()).slice(0, 500)
  const passing = response.status >= 500 || response.status === 429 || response.status === 408
  return new CatamaranError(
    passing ? 'peer-unavailable' : 'conflict',
    `The peer site answered ${response.status}: ${text}`,
  )
}
