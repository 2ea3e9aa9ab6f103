import { describe, expect, test } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Asset } from '../../../local/tour/upload.ts'
import { sha256Of, untilReadyAtBoth } from '../assets-tools.ts'
import { type Pair, sites, unique } from '../pair.ts'

const fileBytes = 20 * 2 ** 20

/** A server whose first answer breaks off after three quarters. */
async function brokenServer(content: Buffer): Promise<{ url: string; ranges: string[]; close: () => Promise<void> }> {
  const ranges: string[] = []
  const server = createServer((request, response) => {
    const { range = '' } = request.headers
    ranges.push(range)
    const from = Number(/^bytes=(\d+)-$/.exec(range)?.[1] ?? 0)
    const headers = { etag: '"one"', 'content-length': content.length - from }
    if (from > 0) {
      response.writeHead(206, { ...headers, 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` })
      return response.end(content.subarray(from))
    }
    response.writeHead(200, headers)
    response.write(content.subarray(0, (content.length * 9) / 10), () => response.destroy())
    return undefined
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file.bin`
  return { url, ranges, close: () => new Promise((resolve) => server.close(() => resolve())) }
}

export function importsSuite(pair: () => Pair): void {
  describe.each(sites)('an import at %s', (site) => {
    test('goes on where the connection broke, and its way to ready is told by events', async () => {
      const content = randomBytes(fileBytes)
      const { url, ranges, close } = await brokenServer(content)
      const api = pair().apis[site]
      const id = unique('import')
      try {
        const json = { id, name: 'file.bin', mediaType: 'application/octet-stream', source: { url } }
        const made = await api.call<{ asset: Asset }>('POST', '/v1/assets', { json, status: 202 })
        expect(made.body.asset.source).toEqual({ kind: 'import' })
        expect(await statusesOf(pair(), site, id)).toContain('ready')
        const view = await untilReadyAtBoth(pair(), id)
        expect([view.sha256, view.bytes]).toEqual([sha256Of(content), fileBytes])
        expect(ranges).toEqual(['', `bytes=${2 * 8 * 2 ** 20}-`])
      } finally {
        await close()
      }
    }, 180_000)
  })
}

/** What the events of an asset say until there are no more, each once. */
async function statusesOf(pair: Pair, site: 'aws' | 'azure', id: string): Promise<string[]> {
  const { url, key } = pair.apis[site]
  const seen: string[] = []
  let lastId = ''
  for (let turn = 0; turn < 100; turn++) {
    const response = await fetch(`${url}/v1/assets/${id}/events`, {
      headers: { authorization: `Bearer ${key}`, ...(lastId ? { 'last-event-id': lastId } : {}) },
      signal: AbortSignal.timeout(90_000),
    })
    if (response.status === 204) break
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
    const text = await response.text()
    for (const [, event = '', data = ''] of text.matchAll(/id: (.+)\nevent: status\ndata: (.+)\n/g)) {
      expect(event).not.toBe(lastId)
      lastId = event
      seen.push((JSON.parse(data) as { status: string }).status)
    }
  }
  return seen
}
