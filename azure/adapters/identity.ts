import { CatamaranError } from '../../shared/domain/errors.ts'

/** What the clients of Azure's services ask for a token; Microsoft's `TokenCredential`. */
export interface Identity {
  getToken(scopes: string | string[]): Promise<{ readonly token: string; readonly expiresOnTimestamp: number }>
}

export interface IdentityOptions {
  /** Where the Functions host hands out tokens, and the word that it wants to hear: both in the environment. */
  readonly endpoint: string | undefined
  readonly header: string | undefined
  /** A user-assigned identity; the system-assigned one when absent. */
  readonly clientId: string | undefined
  readonly pauseMs?: number
}

const version = '2019-08-01'
const triesMax = 4
const pauseMsDefault = 200
const callMsMax = 3_000

/**
 * The managed identity of this app, asked of the Functions host: one request (REST protocol of App Service's managed
 * identities, 2019-08-01), for which Microsoft's library brings 280 KB to every cold start. Clients keep the tokens.
 * Throws `unavailable`.
 */
export const functionIdentity = (options: IdentityOptions): Identity => ({
  getToken: async (scopes) => {
    const resource = [scopes]
      .flat()
      .join(' ')
      .replace(/\/\.default$/, '')
    for (let tries = 1; ; tries++) {
      const answer = await ask(options, resource)
      if ('token' in answer) return answer
      if (!answer.isPassing || tries === triesMax) throw noToken(answer.cause)
      await new Promise((resolve) => setTimeout(resolve, (options.pauseMs ?? pauseMsDefault) * 2 ** tries))
    }
  },
})

type Answer =
  | { readonly token: string; readonly expiresOnTimestamp: number }
  | { readonly cause: Error; readonly isPassing: boolean }

async function ask({ endpoint, header, clientId }: IdentityOptions, resource: string): Promise<Answer> {
  if (!endpoint || !header) {
    return {
      cause: new Error('IDENTITY_ENDPOINT or IDENTITY_HEADER is missing: has the app an identity?'),
      isPassing: false,
    }
  }
  const url = new URL(endpoint)
  for (const [name, value] of Object.entries({ resource, 'api-version': version, client_id: clientId })) {
    if (value !== undefined) url.searchParams.set(name, value)
  }
  try {
    const signal = AbortSignal.timeout(callMsMax)
    const response = await fetch(url, { headers: { 'x-identity-header': header }, signal })
    const text = await response.text()
    return response.ok ? tokenIn(text) : refusalOf(response.status, text)
  } catch (cause) {
    return { cause: cause as Error, isPassing: true }
  }
}

/** An identity that is just being assigned is not found for a moment. */
const refusalOf = (status: number, text: string): Answer => ({
  cause: new Error(`The identity endpoint answered ${status} ${text.slice(0, 300)}`),
  isPassing: status === 404 || status === 429 || status >= 500,
})

function tokenIn(text: string): Answer {
  const { access_token: token, expires_on: seconds } = JSON.parse(text) as Readonly<Record<string, unknown>>
  const expiresOnTimestamp = Number(seconds) * 1000
  if (typeof token !== 'string' || token === '' || !(expiresOnTimestamp > 0)) {
    return { cause: new Error('The answer of the identity endpoint holds no token.'), isPassing: false }
  }
  return { token, expiresOnTimestamp }
}

const noToken = (cause: Error): CatamaranError =>
  new CatamaranError('unavailable', `The app gets no token of its managed identity: ${cause.message}`, {
    cause,
    publicMessage: 'This site cannot prove who it is to its own cloud now.',
  })
