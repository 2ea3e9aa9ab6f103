import { copyFile, mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { execFile } from 'node:child_process'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { forEachOf } from '../shared/core/each.ts'
import { mediaConverter } from '../shared/media/converter.ts'
import { partPixelsDefault } from '../shared/media/film-plan.ts'
import { findFfmpeg } from '../shared/media/ffmpeg-path.ts'
import { ffmpegRunner } from '../shared/media/ffmpeg.ts'
import type { ConversionSource, ConvertedFile, FilmPlan, Inspection } from '../shared/ports/media-converter.ts'
import { bench } from './bench.ts'
import { printFigure } from './figures.ts'

const shareMin = 0.9
const framesPerSecond = 25
const signal = new AbortController().signal

interface Film {
  readonly ffmpeg: string
  readonly folder: string
  readonly source: ConversionSource
  readonly inspection: Inspection
}

const options = {
  seconds: { type: 'string', default: '600', value: 'N', about: 'seconds of film' },
  size: { type: 'string', default: '1280x720', value: 'WXH', about: 'size of its pictures' },
  'part-pixels': {
    type: 'string',
    default: String(partPixelsDefault),
    value: 'N',
    about: 'pixels that a part has at most, of all rungs together',
  },
} as const

export const filmBench = bench(
  'A long film made in parts by one worker a core, beside one ffmpeg that uses all cores; no frame may be lost.',
  options,
  measureFilm,
)

async function measureFilm(values: Readonly<Record<keyof typeof options, string>>): Promise<boolean> {
  const ffmpeg = findFfmpeg({ searchPath: process.env['PATH'] })
  if (!ffmpeg) throw new Error('There is no ffmpeg to measure with')
  const folder = await mkdtemp(join(tmpdir(), 'catamaran-bench-'))
  try {
    const film = await makeFilm(ffmpeg, folder, { seconds: Number(values.seconds), size: values.size })
    const whole = await timed(() => inOneGo(film))
    const parts = await timed(() => inParts(film, Number(values['part-pixels'])))
    const { plan, frames } = parts.value
    printFigure({ name: 'film, in one go', value: whole.seconds, unit: 's' })
    printFigure({ name: `film, in ${plan.parts.length} parts`, value: parts.seconds, unit: 's' })
    const expected = Number(values.seconds) * framesPerSecond
    const name = 'film in parts, frames of the largest rung'
    const isWhole = printFigure({ name, value: frames, unit: '', bar: { atLeast: expected } })
    const share = { name: 'film in parts, speed beside one ffmpeg', value: whole.seconds / parts.seconds, unit: '' }
    return printFigure({ ...share, bar: { atLeast: shareMin } }) && isWhole
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function timed<Value>(act: () => Promise<Value>): Promise<{ value: Value; seconds: number }> {
  const begunMs = performance.now()
  const value = await act()
  return { value, seconds: (performance.now() - begunMs) / 1000 }
}

/** A moving picture and sound, in a form that must be encoded. */
async function makeFilm(
  ffmpeg: string,
  folder: string,
  { seconds, size }: { readonly seconds: number; readonly size: string },
): Promise<Film> {
  const path = join(folder, 'film.mkv')
  const inputs = [
    `testsrc2=s=${size}:r=${framesPerSecond}:d=${seconds}`,
    `sine=frequency=330:duration=${seconds}:sample_rate=48000`,
  ].flatMap((filter) => ['-f', 'lavfi', '-i', filter])
  const coding = '-c:v libx264 -preset ultrafast -crf 20 -g 100 -pix_fmt yuv422p -c:a flac'.split(' ')
  await promisify(execFile)(ffmpeg, ['-nostdin', '-loglevel', 'error', ...inputs, ...coding, path])
  const found = { path, mediaType: 'video/matroska', bytes: (await stat(path)).size }
  const inspection = await mediaConverter({ ffmpeg: ffmpegRunner({ path: ffmpeg }) }).inspect(found, signal)
  return { ffmpeg, folder, inspection, source: { ...found, mediaType: inspection.mediaType } }
}

async function inOneGo({ ffmpeg, folder, source, inspection }: Film): Promise<void> {
  const workFolder = join(folder, 'one')
  await mkdir(workFolder)
  await mediaConverter({ ffmpeg: ffmpegRunner({ path: ffmpeg }) }).convert(source, inspection, { workFolder, signal })
}

async function inParts(
  { ffmpeg, folder, source, inspection }: Film,
  partPixelsMax: number,
): Promise<{ plan: FilmPlan; frames: number }> {
  const workers = availableParallelism()
  const worker = mediaConverter({ ffmpeg: ffmpegRunner({ path: ffmpeg, threads: 1 }), partPixelsMax }).film
  const joiner = mediaConverter({ ffmpeg: ffmpegRunner({ path: ffmpeg }), partPixelsMax }).film
  const plan = await joiner?.plan(source, inspection, signal)
  if (!worker || !joiner || !plan) throw new Error('The film is too short to be made in parts')
  const made: (readonly ConvertedFile[])[] = []
  const folderOf = async (name: string): Promise<string> => {
    await mkdir(join(folder, name))
    return join(folder, name)
  }
  await forEachOf([...plan.parts.entries()], workers, async ([index, part]) => {
    const workFolder = await folderOf(`part-${index}`)
    made[index] = await worker.make(source, plan, part, { workFolder, signal })
  })
  const workFolder = await folderOf('joined')
  const fetch = async (part: number, name: string): Promise<ConvertedFile | undefined> => {
    const file = made[part]?.find(({ recipe }) => recipe.name === name)
    const path = join(workFolder, `part-${part}-${name}`)
    if (file) await copyFile(file.path, path)
    return file && { ...file, path }
  }
  await joiner.join(plan, fetch, { workFolder, signal })
  const [rung] = plan.recipes.filter(({ name }) => name.startsWith('cmaf-h264-'))
  const files = made.flat().filter(({ recipe }) => recipe.name === rung?.name)
  return { plan, frames: files.reduce((sum, { properties }) => sum + Number(properties['frames']), 0) }
}
