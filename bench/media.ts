import { existsSync } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { chance } from '../local/samples/chance.ts'
import { landscape } from '../local/samples/landscape.ts'
import { bench } from './bench.ts'
import { type Figure, median, printFigure } from './figures.ts'
import { imageMakers, type Maker } from './media/image-makers.ts'
import { greyOf, ssim } from './media/ssim.ts'

const widthsMost = [1920, 1280, 640, 320]
const sets = [
  { name: 'with AVIF', formats: ['avif', 'webp', 'jpeg'], faster: { ipx: 6, vipsthumbnail: 2, ImageMagick: 2 } },
  { name: 'without AVIF', formats: ['webp', 'jpeg'], faster: { ipx: 2, vipsthumbnail: 1.8, ImageMagick: 1.8 } },
] as const
/** All makers take 80 of 100 in these, where it means much the same. */
const plainFormats = ['webp', 'jpeg'] as const
const similarityLossMax = 0.002
const bytesShareMax = 1.05
/** Of 100, as a policy or a URL asks for them. */
const avifQualities = [50, 55, 60, 62, 64, 66, 68, 70, 75, 80] as const

const options = {
  runs: { type: 'string', default: '3', value: 'N', about: 'times that each is made, of which the median counts' },
  width: { type: 'string', default: '4000', value: 'N', about: 'pixels of the photo' },
} as const

export const mediaBench = bench(
  `Responsive sets of one photo, beside other makers of them, interleaved. AVIF is made at the quality at which it looks like that
  of the peers; its bytes are read off its own curve at just their looks.`,
  options,
  measureMedia,
)

async function measureMedia(values: Readonly<Record<keyof typeof options, string>>): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'catamaran-bench-'))
  let met = true
  const print = (figure: Figure): void => {
    met = printFigure(figure) && met
  }
  try {
    const width = Number(values.width)
    const source = await writeSource(join(folder, 'photo.jpg'), width)
    // Nobody enlarges here, while some of the others would.
    const widths = widthsMost.filter((each) => each <= width)
    const makers = await imageMakers()
    const avifQuality = await benchAvif({ source, folder, widths, makers }, print)
    for (const set of sets) {
      await benchSet({ source, folder, widths, makers, set, avifQuality, runs: Number(values.runs) }, print)
    }
    for (const format of plainFormats) await benchLooks(format, { source, folder, widths, makers }, print)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return met
}

/** A landscape with the grain of a camera: without it everything would be smooth, and nothing hard to encode. */
async function writeSource(path: string, width: number): Promise<string> {
  const height = Math.round((width * 3) / 4)
  const view = landscape(1000, 750)
  const next = chance(5)
  const smooth = sharp(view.data, { raw: { width: view.width, height: view.height, channels: 3 } }).resize(
    width,
    height,
  )
  const data = await smooth.raw().toBuffer()
  for (let at = 0; at < data.length; at++) data[at] = Math.max(0, Math.min(255, (data[at] ?? 0) + (next() - 0.5) * 14))
  await sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 90 })
    .toFile(path)
  return path
}

interface SetBench {
  readonly source: string
  readonly folder: string
  readonly widths: readonly number[]
  readonly makers: readonly Maker[]
  readonly set: (typeof sets)[number]
  readonly avifQuality: number
  readonly runs: number
}

type Looking = Omit<SetBench, 'set' | 'runs' | 'avifQuality'>

const outOf = (folder: string, set: string, maker: Maker): string => join(folder, set.replaceAll(' ', '-'), maker.name)

async function benchSet(
  { source, folder, widths, makers, set, avifQuality, runs }: SetBench,
  print: (figure: Figure) => void,
): Promise<void> {
  const times = new Map<string, number[]>(makers.map(({ name }) => [name, []]))
  for (let turn = 0; turn < runs; turn++) {
    for (const maker of makers) {
      const out = outOf(folder, set.name, maker)
      const seconds = await maker.make({ source, widths, formats: set.formats, out, avifQuality })
      times.get(maker.name)?.push(seconds)
    }
  }
  const [ours, ...peers] = makers.map(({ name }) => ({ name, value: median(times.get(name) ?? []) }))
  if (!ours) return
  const name = `images, responsive set ${set.name}`
  print({ name, value: ours.value, unit: 's' })
  const bars: Readonly<Record<string, number>> = set.faster
  for (const peer of peers) {
    const bar = { atMost: peer.value / (bars[peer.name] ?? 1) }
    print({ name: `${name}, beside ${peer.name}`, value: ours.value, unit: 's', bar, peer })
  }
}

/**
 * Bytes of AVIF for the looks that each peer has. Returns the least of our qualities whose files look like those of the best
 * peer.
 */
async function benchAvif(
  { source, folder, widths, makers }: Looking,
  print: (figure: Figure) => void,
): Promise<number> {
  const [ours, ...peers] = makers
  if (!ours) return avifQualities[0]
  const make = async (maker: Maker, name: string, avifQuality?: number): Promise<Looks> => {
    const out = outOf(folder, name, maker)
    await maker.make({ source, widths, formats: ['avif'], out, ...(avifQuality !== undefined && { avifQuality }) })
    return looksOf({ out, source, widths, format: 'avif' })
  }
  const curve: (Looks & { quality: number })[] = []
  for (const quality of avifQualities) curve.push({ quality, ...(await make(ours, `avif ${quality}`, quality)) })
  let wanted = 0
  for (const peer of peers) {
    const theirs = await make(peer, 'avif')
    const similarity = theirs.similarity - similarityLossMax
    wanted = Math.max(wanted, similarity)
    const name = `images, bytes of AVIF that looks like that of ${peer.name} (SSIM ${theirs.similarity.toFixed(4)})`
    const bar = { atMost: theirs.bytes * bytesShareMax }
    print({
      name,
      value: bytesAt(curve, similarity),
      unit: 'bytes',
      bar,
      peer: { name: peer.name, value: theirs.bytes },
    })
  }
  return (curve.find(({ similarity }) => similarity >= wanted) ?? curve.at(-1))?.quality ?? avifQualities[0]
}

/** Between two points of a curve, on a straight line; infinite where no point looks so good. */
function bytesAt(curve: readonly Looks[], similarity: number): number {
  const next = curve.findIndex((each) => each.similarity >= similarity)
  const [below, above] = [curve[next - 1], curve[next]]
  if (!above) return Number.POSITIVE_INFINITY
  if (!below) return above.bytes
  const share = (similarity - below.similarity) / (above.similarity - below.similarity)
  return below.bytes + share * (above.bytes - below.bytes)
}

/** How like the original each file of a format is at its size, and how many bytes that takes. */
async function benchLooks(
  format: (typeof plainFormats)[number],
  { source, folder, widths, makers }: Looking,
  print: (figure: Figure) => void,
): Promise<void> {
  const [ours, ...peers] = makers
  if (!ours) return
  const looks = (maker: Maker): Promise<Looks> =>
    looksOf({ out: outOf(folder, 'without AVIF', maker), source, widths, format })
  const own = await looks(ours)
  for (const peer of peers) {
    const theirs = await looks(peer)
    const name = `images, ${format} beside ${peer.name}`
    const like = { atLeast: theirs.similarity - similarityLossMax }
    const small = { atMost: theirs.bytes * bytesShareMax }
    const figures = {
      similarity: { name: peer.name, value: theirs.similarity },
      bytes: { name: peer.name, value: theirs.bytes },
    }
    print({ name: `${name}, SSIM`, value: own.similarity, unit: '', bar: like, peer: figures.similarity })
    print({ name: `${name}, size`, value: own.bytes, unit: 'bytes', bar: small, peer: figures.bytes })
  }
}

interface Looks {
  readonly similarity: number
  readonly bytes: number
}

async function looksOf({
  out,
  source,
  widths,
  format,
}: Pick<SetBench, 'source' | 'widths'> & { readonly out: string; readonly format: string }): Promise<Looks> {
  let [similarity, bytes] = [0, 0]
  for (const width of widths) {
    const plain = join(out, `${format}-${width}`)
    const path = existsSync(plain) ? plain : `${plain}.${format}`
    const reference = `${out}-${width}.png`
    await sharp(source).autoOrient().resize({ width }).png({ compressionLevel: 1 }).toFile(reference)
    similarity += ssim(await greyOf(reference), await greyOf(path)) / widths.length
    bytes += (await stat(path)).size
  }
  return { similarity, bytes }
}
