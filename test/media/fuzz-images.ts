import { readFile } from 'node:fs/promises'
import sharp from 'sharp'
import { chance } from '../../local/samples/chance.ts'
import type { ConvertedFile } from '../../shared/ports/media-converter.ts'
import { timedFormats } from './fuzz-timed.ts'
import type { FuzzedFormat } from './fuzzed-format.ts'
import { heif, hevcPicture } from './heifs.ts'
import { apng, avifSequence } from './moving-pictures.ts'
import type { Workbench } from './workbench.ts'

const pixelFormats = ['jpeg', 'png', 'webp', 'avif', 'gif', 'tiff'] as const

const place = {
  GPSLatitudeRef: 'N',
  GPSLatitude: '46/1 42/1 1180/100',
  GPSLongitudeRef: 'E',
  GPSLongitude: '8/1 11/1 0/1',
}
const traces = ['GPS', 'Exif', 'Outrigger', 'xpacket', '8BIM'].map((text) => Buffer.from(text, 'latin1'))

/** A small picture with noise, so that every byte counts, and with a camera and a place in it. */
async function wholePicture(format: (typeof pixelFormats)[number], frames = format === 'gif' ? 3 : 1): Promise<Buffer> {
  const next = chance(1)
  const [width, height] = [40, 28]
  const data = Buffer.from(Array.from({ length: width * height * frames * 3 }, () => next() * 255))
  return sharp(data, {
    raw: { width, height: height * frames, channels: 3, ...(frames > 1 && { pageHeight: height }) },
  })
    .withExif({ IFD0: { Model: 'Outrigger 2' }, IFD3: place })
    [format]()
    .toBuffer()
}

const drawing = `<?xml version="1.0" encoding="UTF-8"?><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 28"><defs>
<linearGradient id="g"><stop offset="0" stop-color="#c02"/><stop offset="1" stop-color="#02c"/></linearGradient></defs>
<style>.a{fill:url(#g)}</style><rect class="a" width="40" height="28"/><g transform="translate(3 4) scale(.5)">
<path d="M1 2h9v8a4 4 0 0 1-8 0z" stroke="#000" stroke-width=".5"/><text x="2" y="9">Outrigger</text></g></svg>`

/** Every damaged copy converts to all renditions, without a trace of its place. */
const pictureFormat = (mediaType: string, whole: FuzzedFormat['whole']): FuzzedFormat => ({
  declared: mediaType,
  whole,
  chosen: (recipes) => recipes.filter(({ name }) => !name.endsWith('-1280')),
  async faultOf({ inspection, files }) {
    const { length } = inspection.recipes
    if (files.length !== length) return `${files.length} of ${length} renditions`
    for (const file of files) {
      const fault = await faultOf(file)
      if (fault) return `${file.recipe.name} ${fault}`
    }
    return undefined
  },
})

/** Small pictures. */
export const pictureFormats: Readonly<Record<string, FuzzedFormat>> = {
  ...Object.fromEntries(
    pixelFormats.map((format) => [format, pictureFormat(`image/${format}`, () => wholePicture(format))]),
  ),
  svg: pictureFormat('image/svg+xml', async () => Buffer.from(drawing)),
}

const moving = { side: 32, colours: ['#e02020', '#20c030', '#2030e0'] }

const sequence = pictureFormat('image/avif', () => avifSequence(moving))

/** Small pictures that move. */
export const movingFormats: Readonly<Record<string, FuzzedFormat>> = {
  apng: pictureFormat('image/png', () => apng(moving)),
  avis: {
    ...sequence,
    // With another brand in front it is a film.
    faultOf: async (made) => (made.inspection.kind === 'image' ? sequence : timedFormats['mp4'])?.faultOf(made),
  },
  'moving-webp': pictureFormat('image/webp', () => wholePicture('webp', 3)),
}

/** Two tiles of noise, with a camera and a place. */
async function wholeHeif(bench: Workbench): Promise<Buffer> {
  const size = { width: 32, height: 24 }
  const noise = 'nullsrc=s=32x24,geq=lum=random(1)*255:cb=random(2)*255:cr=random(3)*255'
  const tile = await hevcPicture(bench, ['-f', 'lavfi', '-i', noise], size)
  await bench.write('camera', await wholePicture('jpeg'))
  const { exif } = await sharp(bench.at('camera')).metadata()
  return heif([tile, tile], { columns: 2, ...(exif && { exif: exif.subarray(6) }) })
}

/** Each copy starts a process. */
export const heifFormats: Readonly<Record<string, FuzzedFormat>> = {
  heic: pictureFormat('image/heic', wholeHeif),
}

/** Decodes a rendition to its last pixel. */
async function faultOf({ path, bytes }: ConvertedFile): Promise<string | undefined> {
  const file = await readFile(path)
  if (file.length === 0 || file.length !== bytes) return `has ${file.length} bytes, not ${bytes}`
  if (traces.some((trace) => file.includes(trace))) return 'tells where it was taken'
  try {
    await sharp(path, { failOn: 'warning', animated: true }).raw().toBuffer()
    return undefined
  } catch (error) {
    return `cannot be decoded: ${String(error)}`
  }
}
