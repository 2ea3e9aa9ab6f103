import http from 'node:http'
import https from 'node:https'

const silentMsMax = 30_000
const agents = { 'http:': new http.Agent({ keepAlive: true }), 'https:': new https.Agent({ keepAlive: true }) }

export type Headers = Readonly<Record<string, string | string[] | undefined>>

/** One request to the origin; resolves at its headers. Rejects when it cannot be reached or stays silent. */
export function fetchOrigin(url: URL, method: string, headers: Headers): Promise<http.IncomingMessage> {
  const client = url.protocol === 'https:' ? https : http
  return new Promise((resolve, reject) => {
    const agent = agents[url.protocol === 'https:' ? 'https:' : 'http:']
    const present = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined))
    const request = client.request(url, { method, agent, headers: present }, resolve)
    request.setTimeout(silentMsMax, () => request.destroy(new Error('the origin stays silent')))
    request.once('error', reject)
    request.end()
  })
}
