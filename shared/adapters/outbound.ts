import { lookup } from 'node:dns/promises'
import { request as requestHttp, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as requestHttps } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { Readable } from 'node:stream'
import { callbackify } from 'node:util'
import { CatamaranError, isCatamaranError } from '../domain/errors.ts'
import { isPublicAddress, publicUrl } from './public-address.ts'
import type { Outbound, OutboundAnswer, OutboundRequest } from '../ports/outbound.ts'

export interface OutboundOptions {
  /** Local development: plain HTTP and any address will do. */
  readonly allowPrivate?: boolean
  /** Every address of a name. */
  readonly resolve?: (host: string) => Promise<readonly string[]>
}

const idleMsMax = 30_000
const headerBytesMax = 16 * 1024

const systemResolve = async (host: string): Promise<readonly string[]> =>
  (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address)

/** Requests over node's own client, each on a connection of its own. */
export function guardedOutbound({ allowPrivate = false, resolve = systemResolve }: OutboundOptions = {}): Outbound {
  const addressOf = async (host: string): Promise<string> => {
    const addresses = await resolve(host)
    const wrong = allowPrivate ? undefined : addresses.find((address) => !isPublicAddress(address))
    if (wrong !== undefined) throw refused(`${host} leads to an address that is not public`)
    const [address] = addresses
    if (address === undefined) throw new CatamaranError('unavailable', `${host} has no address`)
    return address
  }
  const addressFor = callbackify(addressOf)
  /** The address that the connection is made to is the one that was looked at here: a name that turns in between gains nothing. */
  const pinned: LookupFunction = (host, { all }, done) =>
    addressFor(host, (error, address) => {
      if (error) done(error, [])
      else if (all) done(null, [{ address, family: isIP(address) }])
      else done(null, address, isIP(address))
    })

  const once = (url: URL, options: OutboundRequest): Promise<IncomingMessage> =>
    new Promise((resolved, rejected) => {
      const { method, headers = {}, body, timeoutMs } = options
      const late = AbortSignal.timeout(timeoutMs)
      const signal = AbortSignal.any([options.signal, late])
      const settings: RequestOptions = { method, headers: { ...headers }, agent: false, maxHeaderSize: headerBytesMax }
      const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, { ...settings, lookup: pinned })
      const abort = (): void => void request.destroy(failureOf(signal.reason, options.signal, late))
      signal.addEventListener('abort', abort, { once: true })
      if (signal.aborted) abort()
      request.once('error', (error) => {
        signal.removeEventListener('abort', abort)
        rejected(failureOf(error, options.signal, late))
      })
      request.once('response', (response) => {
        signal.removeEventListener('abort', abort)
        // A second look, at the connection itself.
        const address = response.socket.remoteAddress ?? ''
        if (!allowPrivate && !isPublicAddress(address)) {
          response.destroy()
          return rejected(refused('The server is not at a public address'))
        }
        resolved(response)
      })
      request.end(body)
    })

  return {
    request: async (text, asked) => {
      const { totalMs } = asked
      const signal = totalMs ? AbortSignal.any([asked.signal, AbortSignal.timeout(totalMs)]) : asked.signal
      const options = { ...asked, signal }
      let url = publicUrl(text, { allowPrivate })
      for (let redirects = 0; ; redirects++) {
        const response = await once(url, options)
        const { statusCode: status = 0, headers } = response
        const isRedirect = status >= 300 && status < 400 && headers.location !== undefined && status !== 304
        if (!isRedirect || !options.redirectsMax) return answerOf(response, options.signal)
        response.destroy()
        if (redirects >= options.redirectsMax) throw refused(`More than ${options.redirectsMax} redirects`)
        if (!URL.canParse(headers.location ?? '', url.href)) throw refused('A redirect leads nowhere')
        url = publicUrl(new URL(headers.location ?? '', url).href, { allowPrivate })
      }
    },
  }
}

const refused = (detail: string): CatamaranError => new CatamaranError('forbidden', detail)

function failureOf(error: unknown, outer: AbortSignal, late: AbortSignal): Error {
  if (outer.aborted) return outer.reason as Error
  if (late.aborted) return new CatamaranError('timed-out', 'The server did not answer in time')
  if (isCatamaranError(error)) return error
  const detail = error instanceof Error || hasMessage(error) ? error.message : String(error)
  return new CatamaranError('unavailable', `The server cannot be reached: ${detail}`, { cause: error })
}

const hasMessage = (error: unknown): error is { message: string } =>
  typeof (error as { message?: unknown } | null)?.message === 'string'

function answerOf(response: IncomingMessage, signal: AbortSignal): OutboundAnswer {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(response.headers)) {
    const [first] = [value ?? []].flat()
    if (first !== undefined) headers[name] = first
  }
  const abort = (): void => void response.destroy(signal.reason as Error)
  signal.addEventListener('abort', abort, { once: true })
  response.once('close', () => signal.removeEventListener('abort', abort))
  response.setTimeout(idleMsMax, () =>
    response.destroy(new CatamaranError('timed-out', 'The server stopped in the middle of its answer')),
  )
  const body = Readable.toWeb(response) as ReadableStream<Uint8Array>
  return { status: response.statusCode ?? 0, headers, body }
}
