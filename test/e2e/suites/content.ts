import { beforeAll, describe, expect, test } from '@jest/globals'
import type { Asset } from '../../../local/tour/upload.ts'
import { type Problem, sendDirect, untilReadyAtBoth } from '../assets-tools.ts'
import { type Pair, sites, unique } from '../pair.ts'

const text = 'The quick brown fox jumps over the lazy dog. '.repeat(2_000)

export function contentSuite(pair: () => Pair): void {
  describe('content', () => {
    let asset: Asset
    beforeAll(async () => {
      asset = await sendDirect(pair().apis.aws, unique('fox.txt'), text, 'text/plain')
      asset = await untilReadyAtBoth(pair(), asset.id)
    }, 60_000)

    describe.each(sites)('at %s', (site) => {
      const here = () => pair().apis[site]
      const contentPath = () => `/v1/assets/${asset.id}/content`
      const locationOf = async (): Promise<string> =>
        (await here().call('GET', contentPath(), { status: 307 })).headers.get('location') ?? ''

      test('the edge serves it, from its cache the second time, whole, in ranges and on condition', async () => {
        const location = await locationOf()
        expect(location.startsWith(`${pair().clouds.urls[site].edge}/`)).toBe(true)
        const first = await fetch(location)
        expect(await first.text()).toBe(text)
        expect(first.headers.get('x-content-type-options')).toBe('nosniff')
        expect(first.headers.get('content-security-policy')).toMatch(/default-src 'none';.* sandbox/)
        expect(first.headers.get('content-type')).toBe('text/plain')
        expect(first.headers.get('content-disposition')).toMatch(/^attachment/)
        const second = await fetch(location)
        expect([await second.text(), second.headers.get('x-cache')]).toEqual([text, expect.stringMatching(/^hit/i)])
        const range = await fetch(location, { headers: { range: 'bytes=4-8' } })
        expect([range.status, await range.text()]).toEqual([206, 'quick'])
        expect(range.headers.get('content-range')).toBe(`bytes 4-8/${text.length}`)
        const etag = second.headers.get('etag') ?? ''
        const known = await fetch(location, { headers: { 'if-none-match': etag } })
        expect([etag !== '', known.status]).toEqual([true, 304])
        const head = await fetch(location, { method: 'HEAD' })
        expect([head.status, head.headers.get('content-length')]).toEqual([200, String(text.length)])
      })

      test('a signed URL for one object opens no other, and not without its signature', async () => {
        const location = new URL(await locationOf())
        const other = new URL(location)
        other.pathname = other.pathname.replace(/[0-9a-f]{64}/, (digest) => digest.split('').toReversed().join(''))
        expect(other.href).not.toBe(location.href)
        expect((await fetch(other)).status).toBe(403)
        expect([401, 403, 404]).toContain((await fetch(`${location.origin}${location.pathname}`)).status)
        const method = await fetch(location, { method: 'DELETE' })
        await method.text()
        expect(method.status).toBeGreaterThanOrEqual(400)
        expect((await fetch(location)).status).toBe(200)
      })

      test('through the API: ranges, conditions and HEAD as RFC 9110 says', async () => {
        const path = `${contentPath()}?via=api`
        const whole = await here().call<string>('GET', path, { status: 200 })
        expect(whole.body).toBe(text)
        const etag = whole.headers.get('etag') ?? ''
        expect(etag).toBe(`"${asset.sha256}"`)
        const get = (headers: Record<string, string>) => here().call<string>('GET', path, { headers })
        expect(await get({ range: 'bytes=-5' }).then(({ status, body }) => [status, body])).toEqual([
          206,
          text.slice(-5),
        ])
        expect((await get({ 'if-none-match': etag })).status).toBe(304)
        expect((await get({ 'if-match': '"no"' })).status).toBe(412)
        const over = await get({ range: `bytes=${text.length}-` })
        expect([over.status, over.headers.get('content-range')]).toEqual([416, `bytes */${text.length}`])
        expect((await get({ range: 'bytes=0-3', 'if-range': '"old"' })).status).toBe(200)
        const head = await here().call<string>('HEAD', path, { status: 200 })
        // API Gateway sets this one itself, from the content that a HEAD does not have.
        const length = site === 'aws' ? null : String(text.length)
        expect([head.body, head.headers.get('content-length')]).toEqual(['', length])
        const none = await here().call<Problem>('GET', `/v1/assets/${asset.id}/renditions/none`, { status: 404 })
        expect(none.body.code).toBe('not-found')
      })
    })
  })
}
