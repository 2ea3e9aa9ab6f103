import { beforeAll, describe, expect, test } from '@jest/globals'
import sharp from 'sharp'
import type { Asset } from '../../../local/tour/upload.ts'
import { until } from '../../../local/tour/until.ts'
import { sendDirect, untilReadyAtBoth } from '../assets-tools.ts'
import { type Pair, sites, unique } from '../pair.ts'

interface Urls {
  readonly items: readonly { readonly url: string }[]
}

export function imagesSuite(pair: () => Pair): void {
  describe('images', () => {
    let asset: Asset
    beforeAll(async () => {
      const colour = { r: 200, g: 30, b: 60, alpha: 0.5 }
      const png = await sharp({ create: { width: 64, height: 48, channels: 4, background: colour } })
        .png()
        .toBuffer()
      asset = await sendDirect(pair().apis.azure, unique('small.png'), new Uint8Array(png), 'image/png')
      asset = await untilReadyAtBoth(pair(), asset.id)
    })

    test.each(sites)('at %s, a signed image is made once, and each format is served from the edge', async (site) => {
      const params = { w: 40, h: 40, fit: 'cover', q: site === 'aws' ? 70 : 71 }
      const json = { asset: asset.id, images: [{ params }] }
      const content = JSON.stringify(json)
      const headers = { 'content-type': 'application/json' }
      const { body } = await pair().apis[site].call<Urls>('POST', '/v1/image-urls', { content, headers, status: 200 })
      const url = body.items[0]?.url ?? ''
      const seen = new Map<string, string>()
      for (const accept of ['image/avif,image/webp', 'image/webp', '*/*']) {
        const ask = async (): Promise<string | undefined> => {
          const answer = await fetch(url, { headers: { accept }, redirect: 'manual' })
          expect([307, 503]).toContain(answer.status)
          expect(answer.headers.get('cache-control')).toBe(answer.status === 307 ? 'private, max-age=60' : 'no-store')
          return answer.headers.get('location') ?? undefined
        }
        const location = await until(`the image at ${site} for ${accept}`, ask, { timeoutMs: 90_000 })
        const first = await fetch(location)
        const bytes = Buffer.from(await first.arrayBuffer())
        const second = await fetch(location)
        expect(Buffer.from(await second.arrayBuffer()).equals(bytes)).toBe(true)
        expect([first.status, second.headers.get('x-cache')]).toEqual([200, expect.stringMatching(/^hit/i)])
        seen.set(first.headers.get('content-type') ?? '', bytes.toString('latin1', 0, 12))
      }
      // What browsers show everywhere and keeps transparency: PNG.
      expect([...seen.keys()]).toEqual(['image/avif', 'image/webp', 'image/png'])
      expect(seen.get('image/avif')).toMatch(/ftypavif$/)
      expect(seen.get('image/webp')).toMatch(/^RIFF.*WEBP$/s)
      expect(seen.get('image/png')).toMatch(/^.PNG/)
    })
  })
}
