import { rgbaToThumbHash } from 'thumbhash'
import type { JsonObject } from '../domain/json.ts'
import type { Pixels } from './sharp-safe.ts'

/** What can be shown before the image: 21 bytes of it in base64, and one colour. The pixels are RGBA, at most 100 a side. */
export const placeholder = ({ data, width, height }: Pixels): JsonObject => ({
  thumbhash: Buffer.from(rgbaToThumbHash(width, height, data)).toString('base64'),
  dominantColour: dominantColour(data),
})

const shadesPerChannel = 16
const opaqueMin = 128

/** The mean of the colours that are most alike; what cannot be seen does not count. */
function dominantColour(rgba: Buffer): string {
  const sums = new Float64Array(shadesPerChannel ** 3 * 4)
  let most = 0
  for (let at = 0; at + 3 < rgba.length; at += 4) {
    const [red = 0, green = 0, blue = 0, alpha = 0] = rgba.subarray(at, at + 4)
    if (alpha < opaqueMin) continue
    const bin = (((red >> 4) << 8) | (green & 0xf0) | (blue >> 4)) * 4
    for (const [channel, value] of [1, red, green, blue].entries())
      sums[bin + channel] = (sums[bin + channel] ?? 0) + value
    if ((sums[bin] ?? 0) > (sums[most] ?? 0)) most = bin
  }
  const [count = 0, ...totals] = sums.subarray(most, most + 4)
  if (count === 0) return '#ffffff'
  return `#${totals
    .map((total) =>
      Math.round(total / count)
        .toString(16)
        .padStart(2, '0'),
    )
    .join('')}`
}
