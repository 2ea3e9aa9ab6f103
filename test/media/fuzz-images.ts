/** Damages pictures and looks what becomes of them: `node test/media/fuzz-images.ts --copies 1000 [--seed N] [--format NAME]`. */
import { createHash } from 'node:crypto'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import sharp from 'sharp'
import { chance } from '../../local/samples/chance.ts'
import { isCatamaranError } from '../../shared/domain/errors.ts'
import { mediaConverter } from '../../shared/media/converter.ts'
import { workbench } from './workbench.ts'

export const fuzzedFormats = ['jpeg', 'png', 'webp', 'avif', 'gif', 'tiff', 'svg'] as const
export type FuzzedFormat = (typeof fuzzedFormats)[number]

export interface FuzzReport {
  readonly format: FuzzedFormat
  readonly seed: number
  readonly copies: number
  /** Made whole renditions in spite of the damage. */
  readonly converted: number
  readonly refused: number
  /** What must not be: each with the number of its copy, which names it together with the seed. */
  readonly faults: readonly string[]
}

const converter = mediaConverter({ ffmpeg: undefined })
const place = {
  GPSLatitudeRef: 'N',
  GPSLatitude: '46/1 42/1 1180/100',
  GPSLongitudeRef: 'E',
  GPSLongitude: '8/1 11/1 0/1',
}
const traces = ['GPS', 'Exif', 'Outrigger', 'xpacket', '8BIM'].map((text) => Buffer.from(text, 'latin1'))

/** A small picture with noise, so that every byte counts, and with a camera and a place in it. */
export async function wholePicture(format: FuzzedFormat, seed: number): Promise<Buffer> {
  if (format === 'svg') return Buffer.from(drawing)
  const next = chance(seed)
  const [width, height, frames] = [40, 28, format === 'gif' ? 3 : 1]
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

/** Cut off, bits flipped, bytes overwritten, a stretch doubled or moved: by turns, all from the seed. */
export function damaged(whole: Buffer, next: () => number, copy: number): Buffer {
  const at = (bias = 1): number => Math.floor(next() ** bias * whole.length)
  const bytes = Buffer.from(whole)
  switch (copy % 5) {
    case 0:
      return bytes.subarray(0, at())
    case 1:
      for (let flip = 0; flip <= copy % 7; flip++) {
        const place = at(2)
        bytes[place] = (bytes[place] ?? 0) ^ (1 << Math.floor(next() * 8))
      }
      return bytes
    case 2:
      return bytes.fill(Math.floor(next() * 256), ...stretch(at(), at(3), bytes.length))
    case 3:
      return Buffer.concat([bytes.subarray(0, at()), bytes.subarray(at())])
    default:
      for (let place = at(2), end = place + 4; place < end && place < bytes.length; place++) bytes[place] = next() * 256
      return bytes
  }
}

const stretch = (start: number, length: number, end: number): [number, number] => [
  start,
  Math.min(end, start + 1 + length),
]

/** Every damaged copy converts to complete renditions without a trace of its place, or is refused with a reason. */
export async function fuzzImages(format: FuzzedFormat, seed: number, copies: number): Promise<FuzzReport> {
  await using bench = await workbench()
  const whole = await wholePicture(format, seed)
  const next = chance(seed)
  const count = { converted: 0, refused: 0 }
  const faults: string[] = []
  for (let copy = 0; copy < copies; copy++) {
    const path = await bench.write('copy', damaged(whole, next, copy))
    const outcome = await outcomeOf(path, format)
    if (outcome === 'converted') count.converted++
    else if (outcome === 'refused') count.refused++
    else faults.push(`copy ${copy}: ${outcome}`)
  }
  return { format, seed, copies, ...count, faults }
}

/** `converted`, `refused`, or what is wrong. */
async function outcomeOf(path: string, format: FuzzedFormat): Promise<string> {
  const { signal } = new AbortController()
  const workFolder = `${path}-work`
  await mkdir(workFolder)
  const declared = format === 'svg' ? 'image/svg+xml' : `image/${format}`
  const source = { path, mediaType: declared, bytes: (await readFile(path)).length }
  const before = createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
  try {
    const inspection = await converter.inspect(source, signal)
    const recipes = inspection.recipes.filter(({ name }) => !name.endsWith('-1280'))
    const files = await converter.convert(source, { ...inspection, recipes }, { workFolder, signal })
    if (files.length !== recipes.length) return `${files.length} of ${recipes.length} renditions`
    for (const file of files) {
      const fault = await faultOf(file.path, file.bytes)
      if (fault) return `${file.recipe.name} ${fault}`
    }
    const after = createHash('sha256')
      .update(await readFile(path))
      .digest('hex')
    return before === after ? 'converted' : 'the source was changed'
  } catch (error) {
    if (!isCatamaranError(error)) return `threw ${String(error)}`
    if (error.code !== 'invalid-media') return `${error.code}: ${error.message}`
    return error.message.length > 9 && !error.message.includes(workFolder) ? 'refused' : `says "${error.message}"`
  } finally {
    await rm(workFolder, { recursive: true, force: true })
  }
}

/** Decodes a rendition to its last pixel. */
async function faultOf(path: string, bytes: number): Promise<string | undefined> {
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

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      copies: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
      format: { type: 'string' },
    },
  })
  const formats = fuzzedFormats.filter((format) => values.format === undefined || format === values.format)
  let isClean = formats.length > 0
  for (const format of formats) {
    const report = await fuzzImages(format, Number(values.seed), Number(values.copies))
    process.stdout.write(`${JSON.stringify(report)}\n`)
    isClean &&= report.faults.length === 0
  }
  process.exitCode = isClean ? 0 : 1
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
