import { describe, expect, test } from '@jest/globals'
import type { Clock } from '../../shared/ports/clock.ts'
import type { Delivery } from '../../shared/ports/delivery.ts'
import { memoryClock } from '../memory/clock.ts'

const options = (expiresAtMs: number) => ({
  expiresAtMs,
  mediaType: 'image/webp',
  disposition: 'inline; filename="a b.webp"',
})
const minuteMs = 60_000

/** What every edge promises for its URLs, `make` being given a clock that stands. */
export function deliverySuite(
  name: string,
  edgeUrl: string,
  make: (clock: Clock) => Delivery,
  expiryOf: (url: URL) => number,
): void {
  describe(`${name}: delivery`, () => {
    test('a URL at the edge, whose path ends with the key, encoded', async () => {
      const clock = memoryClock()
      const url = new URL(await make(clock).signedUrl('objects/t/ü +&?#/x.webp', options(clock.now() + 10 * minuteMs)))
      expect(url.origin).toBe(edgeUrl)
      expect(decodeURIComponent(url.pathname)).toMatch(/\/objects\/t\/ü \+&\?#\/x\.webp$/)
      expect(url.search).toContain('image%2Fwebp')
      expect(url.hash).toBe('')
    })

    test('the same for a while, never shorter than asked, and not much longer', async () => {
      const clock = memoryClock(Date.UTC(2026, 5, 1, 12, 0, 3))
      const delivery = make(clock)
      const urls = new Set<string>()
      for (let minute = 0; minute < 60; minute++) {
        const expiresAtMs = clock.now() + 15 * minuteMs
        const url = await delivery.signedUrl('objects/t/a/1', options(expiresAtMs))
        urls.add(url)
        const overMs = expiryOf(new URL(url)) - expiresAtMs
        expect(overMs).toBeGreaterThanOrEqual(0)
        expect(overMs).toBeLessThanOrEqual(15 * minuteMs)
        await clock.advance(minuteMs)
      }
      expect(urls.size).toBeLessThanOrEqual(10)
      expect(urls.size).toBeGreaterThan(1)
    })

    test('another object, type or disposition is another URL', async () => {
      const clock = memoryClock()
      const base = options(clock.now() + 10 * minuteMs)
      const urls = [
        await make(clock).signedUrl('objects/t/a/1', base),
        await make(clock).signedUrl('objects/t/a/2', base),
        await make(clock).signedUrl('objects/t/a/1', { ...base, mediaType: 'text/plain' }),
        await make(clock).signedUrl('objects/t/a/1', { ...base, disposition: 'attachment' }),
      ]
      expect(new Set(urls).size).toBe(4)
    })
  })
}
