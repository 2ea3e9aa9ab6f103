import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Seen {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly content: string
}

/** What a site does with a request: an answer, or `hang` for none. */
export type Act =
  | 'hang'
  | 'cut'
  | { readonly status: number; readonly headers?: Record<string, string>; readonly json?: unknown }

export interface ScriptedSite {
  readonly url: string
  /** Requests other than probes, in the order of their arrival. */
  readonly seen: Seen[]
  readonly probes: () => number
  /** For the requests from now on. */
  act: (seen: Seen) => Act
  readonly stop: () => Promise<void>
  /** Listens again at the same address. */
  readonly start: () => Promise<void>
}

/** A site whose answers a test decides, behind a real socket. */
export async function scriptedSite(act: (seen: Seen) => Act = () => ({ status: 200 })): Promise<ScriptedSite> {
  let probes = 0
  let server: Server | undefined
  const listen = async (port: number): Promise<number> => {
    server = createServer((request, response) => {
      const pieces: Buffer[] = []
      request.on('data', (piece: Buffer) => pieces.push(piece))
      request.on('end', () => {
        const { method = '', url = '', headers } = request
        const one = { method, path: url, headers, content: Buffer.concat(pieces).toString() }
        const isProbe = url === '/v1/health/ready'
        if (isProbe) probes++
        else site.seen.push(one)
        const acted = isProbe && site.act(one) !== 'hang' ? { status: 200 } : site.act(one)
        if (acted === 'hang') return
        if (acted === 'cut') return void response.destroy()
        response.writeHead(acted.status, acted.headers)
        response.end(acted.json === undefined ? '' : JSON.stringify(acted.json))
      })
    }).listen(port, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  const site: ScriptedSite = {
    url: '',
    seen: [],
    probes: () => probes,
    act,
    stop: async () => {
      const closing = server
      server = undefined
      if (!closing) return
      const closed = once(closing, 'close')
      closing.close()
      closing.closeAllConnections()
      await closed
    },
    start: async () => void (await listen(port)),
  }
  const port = await listen(0)
  return Object.assign(site, { url: `http://127.0.0.1:${port}` })
}
