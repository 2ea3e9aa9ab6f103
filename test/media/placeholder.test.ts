import { expect, test } from '@jest/globals'
import sharp from 'sharp'
import { thumbHashToApproximateAspectRatio, thumbHashToAverageRGBA, thumbHashToRGBA } from 'thumbhash'
import { landscape } from '../../local/samples/landscape.ts'
import { run, workbench } from './workbench.ts'

/** Of 255; the hash keeps five or six bits of each part of the mean. */
const missMax = 10

async function hashOf(path: string): Promise<Uint8Array> {
  const { thumbhash } = (await run(path)).inspection.properties
  return Buffer.from(thumbhash as string, 'base64')
}

const distance = (found: readonly number[], expected: readonly number[]): number =>
  Math.max(...expected.map((value, index) => Math.abs((found[index] ?? 999) - value)))

/** What the placeholder shows at a place, 0 to 1 across and down. */
function shownAt(hash: Uint8Array, across: number, down: number): number[] {
  const { w, h, rgba } = thumbHashToRGBA(hash)
  const at = (Math.floor(h * down) * w + Math.floor(w * across)) * 4
  return [...rgba.subarray(at, at + 4)]
}

test.each([
  ['a landscape that lies', 480, 320],
  ['a landscape that stands', 240, 360],
] as const)('the placeholder of %s has its mean colour and its shape', async (_, width, height) => {
  await using bench = await workbench()
  const { data } = landscape(width, height)
  const picture = sharp(data, { raw: { width, height, channels: 3 } })
  await picture.jpeg({ quality: 95 }).toFile(bench.at('photo.jpg'))
  const hash = await hashOf(bench.at('photo.jpg'))
  const { r, g, b, a } = thumbHashToAverageRGBA(hash)
  const mean = (await picture.stats()).channels.map((channel) => channel.mean)
  expect(
    distance(
      [r, g, b].map((part) => part * 255),
      mean,
    ),
  ).toBeLessThan(missMax)
  expect(a).toBe(1)
  expect(Math.abs(thumbHashToApproximateAspectRatio(hash) / (width / height) - 1)).toBeLessThan(0.15)
})

test('the placeholder shows each colour where it is, turned as the camera says', async () => {
  await using bench = await workbench()
  const [width, height] = [400, 200]
  const data = Buffer.alloc(width * height * 3)
  for (let pixel = 0; pixel < width * height; pixel++) {
    data.set(pixel % width < width / 2 ? [200, 40, 40] : [40, 60, 200], pixel * 3)
  }
  // Turned by a quarter with the clock: what was left is above.
  const picture = sharp(data, { raw: { width, height, channels: 3 } }).withMetadata({ orientation: 6 })
  await picture.jpeg({ quality: 95 }).toFile(bench.at('turned.jpg'))
  const hash = await hashOf(bench.at('turned.jpg'))
  expect(distance(shownAt(hash, 0.5, 0.2), [200, 40, 40])).toBeLessThan(40)
  expect(distance(shownAt(hash, 0.5, 0.8), [40, 60, 200])).toBeLessThan(40)
  expect(thumbHashToApproximateAspectRatio(hash)).toBeLessThan(0.7)
})

test('the placeholder of a logo is transparent where the logo is', async () => {
  await using bench = await workbench()
  const side = 200
  const data = Buffer.alloc(side * side * 4)
  for (let pixel = 0; pixel < side * side; pixel++) {
    data.set([30, 160, 60, pixel % side < side / 2 ? 0 : 255], pixel * 4)
  }
  await sharp(data, { raw: { width: side, height: side, channels: 4 } })
    .png()
    .toFile(bench.at('logo.png'))
  const hash = await hashOf(bench.at('logo.png'))
  const { r, g, b, a } = thumbHashToAverageRGBA(hash)
  expect(
    distance(
      [r, g, b].map((part) => part * 255),
      [30, 160, 60],
    ),
  ).toBeLessThan(missMax)
  expect(Math.abs(a - 0.5)).toBeLessThan(0.1)
  expect(shownAt(hash, 0.2, 0.5)[3]).toBeLessThan(60)
  expect(shownAt(hash, 0.8, 0.5)[3]).toBeGreaterThan(195)
})
