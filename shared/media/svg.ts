import { spawn } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { CatamaranError } from '../domain/errors.ts'
import { svgBytesMax, svgPixelsMax, svgWallMsMax } from './limits.ts'
import { invalidMedia, timedOut, tidyReason } from './reasons.ts'
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

/** Undefined for what depends on where the drawing stands. */
function lengthOf(text: string | undefined): number | undefined {
  const [, number, unit = ''] = /^\s*([0-9]*\.?[0-9]+(?:e[+-]?\d+)?)\s*([a-z]*)\s*$/i.exec(text ?? '') ?? []
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

function rasterise(markup: string, { width, height }: SvgSize, signal: AbortSignal): Promise<Buffer> {
  signal.throwIfAborted()
  const bytes = width * height * 4
  const sharpPath = createRequire(import.meta.url).resolve('sharp')
  const child = spawn(process.execPath, ['-e', program, sharpPath, String(width), String(height)], {
    env: {},
    timeout: svgWallMsMax,
    killSignal: 'SIGKILL',
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const stop = (): void => void child.kill('SIGKILL')
  signal.addEventListener('abort', stop, { once: true })
  const chunks: Buffer[] = []
  let got = 0
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    got += chunk.length
    if (got > bytes) stop()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => void (said = (said + text).slice(0, 2_000)))
  // A child that ended early has closed its side: how it ended says more.
  child.stdin.on('error', () => undefined)
  child.stdin.end(markup)
  return new Promise((resolve, reject) => {
    child.once('error', (cause) =>
      reject(new CatamaranError('unavailable', `Nothing can be drawn here: ${tidyReason(cause.message)}`, { cause })),
    )
    child.once('close', (code, killedBy) => {
      signal.removeEventListener('abort', stop)
      if (signal.aborted) return reject(signal.reason as Error)
      if (killedBy === 'SIGKILL') return reject(timedOut('The drawing took too long to draw'))
      if (code !== 0) return reject(invalidMedia(`The drawing cannot be drawn: ${tidyReason(said)}`))
      if (got !== bytes) return reject(invalidMedia('The drawing came out in another size'))
      resolve(Buffer.concat(chunks))
    })
  })
}
