import { readFile, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { startProcess } from '../process/bounded-process.ts'
import type { ProcessLimits } from '../process/limits.ts'
import { svgBytesMax, svgCpuMsMax, svgPixelsMax, svgWallMsMax } from './limits.ts'
import { invalidMedia, overLimit, tidyReason } from './reasons.ts'
import type { Pixels } from './sharp-safe.ts'
import { cleanSvg, type SvgTag } from './svg-markup.ts'

/** Pixels of CSS, as far as a drawing has a size of its own. */
export interface SvgSize {
  readonly width: number
  readonly height: number
}

/** What a page gives a drawing that says nothing of its size. */
const sizeDefault: SvgSize = { width: 300, height: 150 }
const ratioMax = 40

/** Reads a drawing's own size and checks that it can be cleaned. Throws `invalid-media`. */
export async function inspectSvg(path: string): Promise<SvgSize> {
  const found: { size: SvgSize } = { size: sizeDefault }
  cleanSvg(await readSvg(path), (root) => {
    found.size = sizeOf(root)
    return root.attributes
  })
  return found.size
}

/** Draws at a width, in a process that is ended when it takes too long: a filter cannot be broken off from within. */
export async function drawSvg(path: string, width: number, signal: AbortSignal): Promise<Pixels> {
  const drawn = { width, height: width }
  const markup = cleanSvg(await readSvg(path), (root) => {
    const size = sizeOf(root)
    drawn.height = Math.max(1, Math.round((width * size.height) / size.width))
    const box = root.attributes.get('viewBox') ?? `0 0 ${size.width} ${size.height}`
    const sized = { width: String(drawn.width), height: String(drawn.height), viewBox: box }
    const space = root.name === 'svg' ? [['xmlns', 'http://www.w3.org/2000/svg'] as const] : []
    return new Map([...root.attributes, ...space, ...Object.entries(sized)])
  })
  if (drawn.width * drawn.height > svgPixelsMax) throw invalidMedia('The drawing is too long for its width')
  return { data: await rasterise(markup, drawn, signal), ...drawn, channels: 4 }
}

async function readSvg(path: string): Promise<string> {
  if ((await stat(path)).size > svgBytesMax) {
    throw invalidMedia(`The drawing has more than ${svgBytesMax / 2 ** 20} MiB`)
  }
  const bytes = await readFile(path)
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)
  const declared = /^<\?xml[^>]*\sencoding=["']([\w.-]+)["']/.exec(bytes.toString('latin1', 0, 200))?.[1]
  const encoding = isUtf16 ? (bytes[0] === 0xff ? 'utf-16le' : 'utf-16be') : (declared ?? 'utf-8')
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch (error) {
    throw invalidMedia(`The drawing cannot be read as ${encoding.slice(0, 40)}`, error)
  }
}

function sizeOf({ name, attributes }: SvgTag): SvgSize {
  if (!/^(?:[\w.-]+:)?svg$/.test(name)) throw invalidMedia('The drawing does not begin with an svg element')
  const [, , boxWidth, boxHeight] = (attributes.get('viewBox') ?? '')
    .trim()
    .split(/[\s,]+/)
    .map(Number)
  const box = positive(boxWidth) && positive(boxHeight) ? { width: boxWidth, height: boxHeight } : undefined
  const [width, height] = [lengthOf(attributes.get('width')), lengthOf(attributes.get('height'))]
  const shape = box ?? sizeDefault
  const size = {
    width: width ?? (height === undefined ? shape.width : (height * shape.width) / shape.height),
    height: height ?? (width === undefined ? shape.height : (width * shape.height) / shape.width),
  }
  if (Math.max(size.width / size.height, size.height / size.width) > ratioMax) {
    throw invalidMedia(`The drawing is more than ${ratioMax} times as long as it is wide`)
  }
  return size
}

const positive = (value: number | undefined): value is number =>
  value !== undefined && Number.isFinite(value) && value > 1e-3 && value < 1e6

/** CSS pixels in each unit (CSS Values 4, 6.2). */
const units: Readonly<Record<string, number>> = {
  '': 1,
  px: 1,
  pt: 96 / 72,
  pc: 16,
  in: 96,
  cm: 96 / 2.54,
  mm: 96 / 25.4,
  em: 16,
  ex: 8,
}

const lengthCharsMax = 100

/** Undefined for what depends on where the drawing stands, and for what nobody writes as a length. */
function lengthOf(text: string | undefined): number | undefined {
  if (text === undefined || text.length > lengthCharsMax) return undefined
  const [, number, unit = ''] = /^\s*([0-9]*\.?[0-9]+(?:e[+-]?\d+)?)\s*([a-z]*)\s*$/i.exec(text) ?? []
  const pixels = Number(number) * (units[unit.toLowerCase()] ?? Number.NaN)
  return positive(pixels) ? pixels : undefined
}

/** Only the reader of drawings is let in, and only from memory: what it draws has no file beside it. */
const program = `
const loaded = require(process.argv[1]), sharp = loaded.default ?? loaded
sharp.block({ operation: ['VipsForeignLoad'] })
sharp.unblock({ operation: ['VipsForeignLoadSvgBuffer'] })
sharp.cache(false)
sharp.concurrency(1)
const chunks = []
process.stdin.on('data', (chunk) => chunks.push(chunk)).on('end', () =>
  sharp(Buffer.concat(chunks), { limitInputPixels: ${svgPixelsMax} })
    .resize({ width: Number(process.argv[2]), height: Number(process.argv[3]), fit: 'fill' })
    .toColourspace('srgb').ensureAlpha().raw({ depth: 'uchar' }).toBuffer()
    .then((pixels) => process.stdout.write(pixels), (error) => {
      process.stderr.write(String(error.message))
      process.exitCode = 1
    }))
`

/** Node reserves far more addresses than it uses. */
const limits: Omit<ProcessLimits, 'outputBytesMax'> = {
  wallMsMax: svgWallMsMax,
  cpuMsMax: svgCpuMsMax,
  memoryBytesMax: 1.5 * 1024 ** 3,
  addressBytesMax: 4 * 1024 ** 3,
  fileBytesMax: 0,
  openFilesMax: 64,
}

async function rasterise(markup: string, { width, height }: SvgSize, signal: AbortSignal): Promise<Buffer> {
  const bytes = width * height * 4
  const sharpPath = createRequire(import.meta.url).resolve('sharp')
  const chunks: Buffer[] = []
  const drawing = startProcess([process.execPath, '-e', program, sharpPath, String(width), String(height)], {
    limits: { ...limits, outputBytesMax: bytes },
    signal,
    onOutput: (chunk) => void chunks.push(chunk),
  })
  drawing.stdin.end(markup)
  const ending = await drawing.ended
  if (ending.kind === 'over') throw overLimit('Drawing', ending.limit)
  if (ending.kind === 'killed') throw invalidMedia(`The drawing stopped its reader (${ending.by})`)
  if (ending.code !== 0) throw invalidMedia(`The drawing cannot be drawn: ${tidyReason(ending.messages)}`)
  const pixels = Buffer.concat(chunks)
  if (pixels.length !== bytes) throw invalidMedia('The drawing came out in another size')
  return pixels
}
