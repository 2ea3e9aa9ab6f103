import type { JsonObject } from '../domain/json.ts'
import type { ConvertedFile, Recipe } from '../ports/media-converter.ts'
import { finishFile, partPath } from './output.ts'
import { decoding } from './reasons.ts'
import { openPixels } from './sharp-safe.ts'

const [width, height] = [1024, 160]
const ink = [0x33, 0x55, 0x77, 0xff] as const
const bytesPerPixel = 4

/** The waveform as a picture with nothing behind it: a column a pixel, from its lowest to its highest sample. */
export async function drawWaveform(
  recipe: Recipe,
  peaks: JsonObject,
  work: { readonly workFolder: string; readonly signal: AbortSignal },
): Promise<ConvertedFile> {
  const data = columnsOf(Array.isArray(peaks.data) ? peaks.data.map(Number) : [])
  await decoding('The waveform', work.signal, () =>
    openPixels({ data, width, height, channels: bytesPerPixel })
      .png({ compressionLevel: 9, palette: false })
      .toFile(partPath(work.workFolder, recipe.name)),
  )
  return finishFile(work.workFolder, recipe, 'png', 'image/png', { width, height })
}

/** RGBA pixels; `pairs` holds a minimum and a maximum in 8 bits for each stretch of the sound. */
export function columnsOf(pairs: readonly number[]): Buffer {
  const data = Buffer.alloc(width * height * bytesPerPixel)
  const count = Math.floor(pairs.length / 2)
  for (let x = 0; x < width && count > 0; x++) {
    const from = Math.floor((x * count) / width)
    const to = Math.max(from + 1, Math.floor(((x + 1) * count) / width))
    let [low, high] = [0, 0]
    for (let pair = from; pair < to; pair++) {
      low = Math.min(low, pairs[2 * pair] ?? 0)
      high = Math.max(high, pairs[2 * pair + 1] ?? 0)
    }
    const [top, bottom] = [rowOf(high), rowOf(low)]
    for (let y = top; y <= bottom; y++) data.set(ink, (y * width + x) * bytesPerPixel)
  }
  return data
}

const rowOf = (sample: number): number => Math.round(((127 - sample) / 255) * (height - 1))
