import { describe, expect, test } from '@jest/globals'
import type { Api } from '../../../local/tour/api.ts'
import { sha256Of, untilReadyAtBoth } from '../assets-tools.ts'
import { browserPath } from '../browser.ts'
import { type Pair, sites, unique } from '../pair.ts'

const partBytes = 5 * 2 ** 20
const [smallBytes, largeBytes] = [300_000, partBytes + 100_000]

const content = (bytes: number): Uint8Array => Uint8Array.from({ length: bytes }, (_, at) => (at * 7) % 251)

/** What every page has: a client of the API, the bytes, and how it puts them into the store. */
const common = ({ url, key }: Api): string => `
const call = (method, path, json) => fetch(${JSON.stringify(url)} + path, {
  method,
  headers: { authorization: ${JSON.stringify(`Bearer ${key}`)}, ...(json && { 'content-type': 'application/json' }) },
  body: json && JSON.stringify(json),
})
const api = async (...what) => {
  const answer = await call(...what)
  if (!answer.ok) throw new Error(what.slice(0, 2).join(' ') + ': ' + answer.status)
  return answer.json()
}
const content = (bytes) => Uint8Array.from({ length: bytes }, (_, at) => (at * 7) % 251)
const put = async ({ method, url, headers }, body) => {
  const answer = await fetch(url, { method, headers, body })
  if (!answer.ok) throw new Error('the store answered ' + answer.status)
  return { store: new URL(url).origin, etag: answer.headers.get('etag') }
}
const digest = async (answer) => {
  const bytes = await crypto.subtle.digest('SHA-256', await answer.arrayBuffer())
  return Array.from(new Uint8Array(bytes), (each) => each.toString(16).padStart(2, '0')).join('')
}`

const asset = (id: string, bytes: number, upload: object): string =>
  JSON.stringify({ id, name: 'page.bin', mediaType: 'application/octet-stream', bytes, ...upload })

const sendsWhole = (api: Api, id: string): string => `${common(api)}
export default async function () {
  const { upload } = await api('POST', '/v1/assets', ${asset(id, smallBytes, { upload: 'single' })})
  const sent = await put(upload.request, content(${smallBytes}))
  await api('POST', '/v1/assets/${id}/complete')
  return sent
}`

/** The first page sends one part and is closed. */
const beginsInParts = (api: Api, id: string): string => `${common(api)}
export default async function () {
  const wanted = ${asset(id, largeBytes, { upload: 'multipart', partBytes })}
  const { upload } = await api('POST', '/v1/assets', wanted)
  return put(upload.requests[0].request, content(${largeBytes}).slice(0, ${partBytes}))
}`

/** The second one knows nothing but the asset's id. */
const goesOn = (api: Api, id: string): string => `${common(api)}
export default async function () {
  const plan = await api('GET', '/v1/assets/${id}/upload')
  const sent = []
  for (const { part, request } of plan.requests) {
    const from = (part - 1) * plan.partBytes
    await put(request, content(${largeBytes}).slice(from, from + plan.partBytes))
    sent.push(part)
  }
  await api('POST', '/v1/assets/${id}/complete')
  return { arrived: plan.arrived.map(({ part }) => part), sent }
}`

const downloads = (api: Api, id: string): string => `${common(api)}
export default async function () {
  const whole = await call('GET', '/v1/assets/${id}/content?via=api')
  const etag = whole.headers.get('etag')
  const byCdn = await call('GET', '/v1/assets/${id}/content').then(digest, String)
  return { etag: typeof etag, sha256: await digest(whole), byCdn }
}`

/** What only a browser shows: what a page of another origin may do. */
export function browserSuite(pair: () => Pair): void {
  if (browserPath === undefined) {
    test('no browser is installed here: what a page may do is not looked at', () => undefined)
    return
  }
  describe.each(sites)('a page in a browser, at %s', (site) => {
    test('puts files straight into the store, goes on with one, and reads it back', async () => {
      const { apis, pages } = pair()
      const api = apis[site]
      const [small, large] = [unique('page'), unique('page')]
      const run = (script: string): Promise<unknown> => pages.run(pages.origin, script)
      const whole = (await run(sendsWhole(api, small))) as { store: string; etag: string | null }
      expect(whole.store).toMatch(/^http:\/\/127/)
      expect([pages.origin, api.url]).not.toContain(whole.store)
      expect(typeof whole.etag).toBe('string')
      const part = (await run(beginsInParts(api, large))) as { etag: string | null }
      // Azure answers a part without one.
      expect(part.etag).toEqual(site === 'aws' ? expect.any(String) : null)
      expect(await run(goesOn(api, large))).toEqual({ arrived: [1], sent: [2] })
      for (const [id, bytes] of [
        [small, smallBytes],
        [large, largeBytes],
      ] as const) {
        expect((await untilReadyAtBoth(pair(), id)).sha256).toBe(sha256Of(content(bytes)))
      }
      const sha256 = sha256Of(content(smallBytes))
      expect(await run(downloads(api, small))).toEqual({ etag: 'string', sha256, byCdn: sha256 })
    })

    test('of an origin that nobody named is let into nothing', async () => {
      const { apis, pages } = pair()
      const api = apis[site]
      const id = unique('page')
      const refused = { error: 'TypeError: Failed to fetch' }
      expect(await pages.run(pages.foreignOrigin, sendsWhole(api, id))).toEqual(refused)
      expect((await api.call('GET', `/v1/assets/${id}`)).status).toBe(404)
    })
  })
}
