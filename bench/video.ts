import { execFile } from 'node:child_process'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { containerReader } from '../shared/media/container-reader.ts'
import { mediaConverter } from '../shared/media/converter.ts'
import { findFfmpeg } from '../shared/media/ffmpeg-path.ts'
import { ffmpegRunner } from '../shared/media/ffmpeg.ts'
import { encodeLadder, isSound } from '../shared/media/video-ladder.ts'
import { convertMp4 } from '../shared/media/video-mp4.ts'
import type { EncodingWork } from '../shared/media/video-work.ts'
import { isTrack } from '../shared/media/video.ts'
import type { ConversionSource, Recipe } from '../shared/ports/media-converter.ts'
import { bench } from './bench.ts'
import { median, printFigure } from './figures.ts'

const ladderShareMax = 0.75
const remuxTimesMin = 20
const { signal } = new AbortController()

interface Film {
  readonly source: ConversionSource
  readonly recipes: readonly Recipe[]
}

const options = {
  seconds: { type: 'string', default: '30', value: 'N', about: 'seconds of film' },
  runs: { type: 'string', default: '3', value: 'N', about: 'times that each is made, interleaved' },
} as const

export const videoBench = bench(
  'What is gained by one decode for all rungs beside a run a rung, and by copying a film that a phone plays beside encoding it.',
  options,
  measureVideo,
)

async function measureVideo(values: Readonly<Record<keyof typeof options, string>>): Promise<boolean> {
  const path = findFfmpeg({ searchPath: process.env['PATH'] })
  if (!path) throw new Error('There is no ffmpeg to measure with')
  const workFolder = await mkdtemp(join(tmpdir(), 'catamaran-bench-'))
  const work: EncodingWork = { workFolder, signal, ffmpeg: ffmpegRunner({ path }), reader: containerReader() }
  try {
    const [seconds, runs] = [Number(values.seconds), Number(values.runs)]
    const camera = await makeFilm(path, join(workFolder, 'camera.mov'), { seconds, size: '1920x1080', quality: 18 })
    const isLadderQuick = await benchLadder(camera, runs, work)
    const phone = await makeFilm(path, join(workFolder, 'phone.mov'), { seconds, size: '1280x720', quality: 28 })
    return (await benchRemux(phone, runs, work)) && isLadderQuick
  } finally {
    work.reader.close()
    await rm(workFolder, { recursive: true, force: true })
  }
}

/** A moving picture with some grain, and sound, as a phone writes them: its index at the end. */
async function makeFilm(
  ffmpeg: string,
  path: string,
  { seconds, size, quality }: { readonly seconds: number; readonly size: string; readonly quality: number },
): Promise<Film> {
  const inputs = [
    `testsrc2=s=${size}:r=30:d=${seconds},noise=alls=6:allf=t`,
    `sine=frequency=330:duration=${seconds}:sample_rate=48000`,
  ].flatMap((filter) => ['-f', 'lavfi', '-i', filter])
  const coding = `-c:v libx264 -preset superfast -crf ${quality} -maxrate 3M -bufsize 6M -pix_fmt yuv420p -c:a aac -ac 2`
  await promisify(execFile)(ffmpeg, ['-nostdin', '-loglevel', 'error', ...inputs, ...coding.split(' '), path])
  const found = { path, mediaType: 'video/quicktime', bytes: (await stat(path)).size }
  const { mediaType, recipes } = await mediaConverter({ ffmpeg: ffmpegRunner({ path: ffmpeg }) }).inspect(found, signal)
  return { source: { ...found, mediaType }, recipes }
}

async function benchLadder({ source, recipes }: Film, runs: number, work: EncodingWork): Promise<boolean> {
  const tracks = recipes.filter(isTrack)
  const [sound, rungs] = [tracks.filter(isSound), tracks.filter((track) => !isSound(track))]
  const [together, apart]: [number[], number[]] = [[], []]
  for (let run = 0; run < runs; run++) {
    together.push(await secondsOf(() => encodeLadder(source, tracks, work)))
    let sum = 0
    // The sound is made once in both ways.
    for (const [index, rung] of rungs.entries()) {
      sum += await secondsOf(() => encodeLadder(source, index === 0 ? [rung, ...sound] : [rung], work))
    }
    apart.push(sum)
  }
  const peer = { name: 'a run a rung', value: median(apart) }
  const bar = { atMost: peer.value * ladderShareMax }
  return printFigure({ name: 'video: ladder out of one decode', value: median(together), unit: 's', bar, peer })
}

async function benchRemux({ source, recipes }: Film, runs: number, work: EncodingWork): Promise<boolean> {
  const recipe = recipes.find(({ name }) => name.startsWith('video-'))
  if (recipe?.options['copy'] !== true) throw new Error('The film is not one that is copied')
  const encoded = { ...recipe, options: { ...recipe.options, copy: false } }
  const [copying, encoding]: [number[], number[]] = [[], []]
  for (let run = 0; run < runs; run++) {
    copying.push(await secondsOf(() => convertMp4(source, recipe, [], work)))
    encoding.push(await secondsOf(() => convertMp4(source, encoded, [], work)))
  }
  const peer = { name: 'encoding it', value: median(encoding) }
  const bar = { atMost: peer.value / remuxTimesMin }
  return printFigure({ name: 'video: copied and checked', value: median(copying), unit: 's', bar, peer })
}

async function secondsOf(act: () => Promise<unknown>): Promise<number> {
  const begunMs = performance.now()
  await act()
  return (performance.now() - begunMs) / 1000
}
