import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { peersFolder } from '../peers.ts'

/** Sharp tells where its own libvips lies, by which another one does not find its modules. */
const { VIPSHOME: _ours, ...env } = process.env
const run = (file: string, args: readonly string[], options: { readonly cwd?: string } = {}) =>
  promisify(execFile)(file, args, { ...options, env })

export interface Order {
  readonly source: string
  readonly widths: readonly number[]
  readonly formats: readonly string[]
  /** Files are named `<format>-<width>`. */
  readonly out: string
  /** Of AVIF; peers take their own. */
  readonly avifQuality?: number
}

/** Makes a responsive set; resolves with the seconds that it took. */
export interface Maker {
  readonly name: string
  make(order: Order): Promise<number>
}

/** Ours first, then the peers that are installed; what is missing is said on standard error. */
export async function imageMakers(): Promise<readonly Maker[]> {
  const found = await Promise.all([ipx(), vips(), magick()])
  return [ours, ...found.filter((maker) => maker !== undefined)]
}

const absent = (name: string): undefined => {
  process.stderr.write(`${name} is not installed, or cannot write AVIF: not compared with\n`)
}

const child = fileURLToPath(new URL('image-child.ts', import.meta.url))

const ours: Maker = { name: 'catamaran', make: (order) => secondsOf(process.execPath, child, order) }

async function ipx(): Promise<Maker | undefined> {
  const folder = await peersFolder('ipx')
  return folder
    ? { name: 'ipx', make: (order) => secondsOf(process.execPath, join(folder, 'ipx.mjs'), order) }
    : undefined
}

async function secondsOf(
  node: string,
  script: string,
  { source, widths, formats, out, avifQuality }: Order,
): Promise<number> {
  await mkdir(out, { recursive: true })
  const quality = avifQuality === undefined ? [] : [String(avifQuality)]
  const args = [
    '--disable-warning=ExperimentalWarning',
    script,
    source,
    widths.join(','),
    formats.join(','),
    out,
    ...quality,
  ]
  const { stdout } = await run(node, args, { cwd: dirname(script) })
  return (JSON.parse(stdout) as { seconds: number }).seconds
}

/** As sharp's own defaults have it, so that bytes and looks can be compared. */
const vipsOptions: Readonly<Record<string, string>> = {
  avif: '[Q=50,strip]',
  webp: '[Q=80,strip]',
  jpeg: '[Q=80,strip,interlace]',
}

async function vips(): Promise<Maker | undefined> {
  const known = await run('vipsthumbnail', ['--vips-version']).catch(() => undefined)
  if (!known) return absent('vipsthumbnail')
  return {
    name: 'vipsthumbnail',
    make: (order) =>
      timed(order, (width, format, path) =>
        run('vipsthumbnail', [
          order.source,
          '--size',
          `${width}x`,
          '-o',
          `${path}.${format}${vipsOptions[format] ?? ''}`,
        ]),
      ),
  }
}

async function magick(): Promise<Maker | undefined> {
  const formats = await run('convert', ['-list', 'format']).catch(() => undefined)
  if (!formats?.stdout.includes('AVIF')) return absent('ImageMagick')
  return {
    name: 'ImageMagick',
    make: (order) =>
      timed(order, (width, format, path) =>
        run('convert', [
          order.source,
          '-auto-orient',
          '-resize',
          `${width}x`,
          '-quality',
          format === 'avif' ? '50' : '80',
          `${path}.${format}`,
        ]),
      ),
  }
}

async function timed(
  { widths, formats, out }: Order,
  make: (width: number, format: string, path: string) => Promise<unknown>,
): Promise<number> {
  await mkdir(out, { recursive: true })
  const start = performance.now()
  for (const width of widths) for (const format of formats) await make(width, format, join(out, `${format}-${width}`))
  return (performance.now() - start) / 1000
}
