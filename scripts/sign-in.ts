/**
 * `npm run -s sign-in -- --issuer URL --client ID [--scope TEXT] [--port N]`: signs somebody in by a browser (authorization code
 * with PKCE, RFC 7636; redirection to this machine, RFC 8252) and prints the access token. No secret is needed or kept.
 */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { parseArgs } from 'node:util'

interface SignInRequest {
  readonly issuer: string
  readonly client: string
  readonly scope: string
  /** Of `http://localhost:PORT`, which the service has to know as an address to come back to. */
  readonly port: number
  /** Shows the page to somebody. */
  readonly show: (url: string) => void
}

interface Discovered {
  readonly issuer?: string
  readonly authorization_endpoint?: string
  readonly token_endpoint?: string
}

const waitMsMax = 300_000
const unguessable = (): string => randomBytes(32).toString('base64url')

/** Resolves with the access token. Throws when the service refuses, says something else, or nobody comes back in five minutes. */
export async function signIn({ issuer, client, scope, port, show }: SignInRequest): Promise<string> {
  const found = (await fetchJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)) as Discovered
  const { authorization_endpoint: page, token_endpoint: exchange } = found
  if (found.issuer !== issuer || !page || !exchange) throw new Error(`${issuer} does not say where people sign in.`)
  const [verifier, state, back] = [unguessable(), unguessable(), `http://localhost:${port}`]
  const url = new URL(page)
  const asked = {
    response_type: 'code',
    client_id: client,
    redirect_uri: back,
    scope,
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  }
  for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value)
  const code = await codeFrom(port, state, () => show(url.href))
  const form = {
    grant_type: 'authorization_code',
    client_id: client,
    code,
    redirect_uri: back,
    code_verifier: verifier,
  }
  const answer = (await fetchJson(exchange, new URLSearchParams(form))) as { access_token?: string }
  if (!answer.access_token) throw new Error('The service gave no access token.')
  return answer.access_token
}

/** What the browser brings back. Whoever else comes by is sent away, and the waiting goes on. */
async function codeFrom(port: number, state: string, show: () => void): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const server = createServer((request, response) => {
    const { searchParams: query } = new URL(request.url ?? '/', 'http://localhost')
    const isOurs = query.get('state') === state
    response.writeHead(isOurs ? 200 : 404, { 'content-type': 'text/plain', connection: 'close' })
    response.end(isOurs ? 'You may close this page.\n' : '')
    if (!isOurs) return
    const code = query.get('code')
    if (code) resolve(code)
    else reject(new Error(`Refused: ${query.get('error') ?? 'no code'} ${query.get('error_description') ?? ''}`.trim()))
  })
  const timer = setTimeout(() => reject(new Error('Nobody signed in within five minutes.')), waitMsMax)
  try {
    server.listen(port, 'localhost')
    await once(server, 'listening')
    show()
    return await promise
  } finally {
    clearTimeout(timer)
    server.close()
  }
}

async function fetchJson(url: string, body?: URLSearchParams): Promise<unknown> {
  const response = await fetch(url, { ...(body ? { method: 'POST', body } : {}), redirect: 'error' })
  const text = await response.text()
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text.slice(0, 300)}`)
  return JSON.parse(text)
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      issuer: { type: 'string', default: '' },
      client: { type: 'string', default: '' },
      scope: { type: 'string', default: 'openid' },
      port: { type: 'string', default: '4000' },
    },
  })
  const show = (url: string): void => void process.stderr.write(`Open this page:\n${url}\n`)
  try {
    process.stdout.write(`${await signIn({ ...values, port: Number(values.port), show })}\n`)
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`)
    process.exitCode = 1
  }
}
