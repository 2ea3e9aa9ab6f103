import { readFile, stat } from 'node:fs/promises'
import { expect, test } from '@jest/globals'
import { unpackSegments } from '../../shared/domain/segments.ts'
import { frameTimes } from '../../shared/media/frame-times.ts'
import type { FilmPlan } from '../../shared/ports/media-converter.ts'
import { countedFilm, numbersOf } from './counted.ts'
import { h264, inParts, makerOf, picturesOf, spans } from './film-bench.ts'
import { testWith } from './with-encoder.ts'
import { converter, ffmpeg, named, never, turn, workbench } from './workbench.ts'

test('a film in parts has every frame once and in order, in all rungs alike, and its sound in one piece', async () => {
  await using bench = await workbench()
  const film = { name: 'film.mkv', frames: 240, size: [480, 400], rate: 10, args: [...h264, '-c:a', 'flac'] } as const
  const path = await countedFilm(bench, film)
  const { plan, files, parts, properties } = await inParts(path, 60 * (480 * 400 + 324 * 270 + 0.3 * 480 * 400))
  expect(picturesOf(plan).map(({ frames }) => frames)).toEqual([75, 75, 90])
  expect(parts.map((each) => each.map(({ recipe }) => recipe.name))).toEqual([
    ['poster'],
    ['cmaf-aac'],
    ...picturesOf(plan).map(() => ['cmaf-h264-400', 'cmaf-h264-270']),
  ])
  expect(files.map(({ recipe }) => recipe.name).sort()).toEqual(plan.recipes.map(({ name }) => name).sort())
  const rungs = ['cmaf-h264-400', 'cmaf-h264-270', 'video-h264-400'].map((name) => named(files, name))
  for (const { path: made } of rungs) expect(spans(await numbersOf(made))).toEqual('0-239')
  const [large, small] = rungs.map(({ segments }) => segments && unpackSegments(segments))
  const seconds = large?.segments.map(({ ticks }) => ticks / large.timescale)
  expect(small?.segments.map(({ ticks }) => ticks / small.timescale)).toEqual(seconds)
  // The second part begins at 7.5 s, between two segments of four; what is left before it goes with what follows.
  expect(seconds).toEqual([4, 7.5, 7.5, 4, 1])
  for (const name of ['cmaf-aac', 'video-h264-400', 'cmaf-h264-400', 'cmaf-h264-270']) {
    expect(Math.abs(Number(named(files, name).properties.durationMs) - 24_000)).toBeLessThan(100)
  }
  // What it told before it was cut is what it tells in one go.
  const source = { path, mediaType: 'video/matroska', bytes: (await stat(path)).size }
  const { properties: whole } = await converter.inspect(source, never())
  expect(properties).toEqual(whole)
  expect(named(files, 'cmaf-aac').properties.gainDb).toBeCloseTo(-16 - Number(whole['loudnessLufs']), 0)
})

test('a film in parts that phones play is copied, or joined of its parts when much of its sound cannot be heard', async () => {
  await using bench = await workbench()
  const plain = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25', '-c:a', 'aac']
  for (const [name, noise, remuxed] of [
    ['whole.mp4', [], true],
    ['noisy.mp4', ['-bsf:a', 'noise=400'], false],
  ] as const) {
    const film = { name, frames: 240, size: [480, 400], rate: 10, args: [...plain, ...noise] } as const
    const { files, parts } = await inParts(
      await countedFilm(bench, film),
      60 * (480 * 400 + 324 * 270 + 0.3 * 480 * 400),
    )
    expect(parts[0]?.map(({ recipe }) => recipe.name)).toEqual(['poster', ...(remuxed ? ['video-h264-400'] : [])])
    const made = named(files, 'video-h264-400')
    expect(made).toMatchObject({ recipe: { options: { copy: true } }, properties: { remuxed, hasAudio: true } })
    expect(spans(await numbersOf(made.path))).toBe('0-239')
  }
}, 60_000)

/** When each frame of a film is shown, in milliseconds after the first. */
async function timesOf(path: string, mediaType: string): Promise<number[]> {
  const found = await frameTimes(ffmpeg, { path, mediaType }, never())
  const [first = 0] = found?.shownUs ?? []
  return (found?.shownUs ?? []).map((us) => Math.round((us - first) / 1000))
}

test('a film on its side whose frames come when they like keeps each frame and its time', async () => {
  await using bench = await workbench()
  const whenever = "setpts='(N*100+mod(N*37,90))/1000/TB'"
  const args = ['-vf', whenever, '-vsync', 'vfr', '-enc_time_base', '1:1000', ...h264, '-c:a', 'aac']
  const film = { name: 'film.mp4', frames: 160, size: [320, 240], rate: 10, args } as const
  const path = await turn(await countedFilm(bench, film), 90)
  const { plan, files } = await inParts(path, 40 * 1.3 * 320 * 240)
  expect(picturesOf(plan).length).toBeGreaterThan(2)
  for (const name of ['cmaf-h264-240', 'video-h264-240']) {
    const made = named(files, name)
    expect(made.properties).toMatchObject({ width: 240, height: 320, rotation: 0 })
    expect(spans(await numbersOf(made.path, { upright: false }))).toEqual(
      spans(await numbersOf(path, { upright: false })),
    )
    expect(await timesOf(made.path, 'video/mp4')).toEqual(await timesOf(path, 'video/mp4'))
  }
})

test('what is short, fast, a copy, or in a container that cannot be searched is made in one go', async () => {
  await using bench = await workbench()
  const planOf = async (name: string, ...args: readonly string[]): Promise<FilmPlan | undefined> => {
    const path = await bench.film(name, '-f', 'lavfi', '-i', 'testsrc=s=160x120:r=10:d=4', ...args)
    const { converter, film } = makerOf(10 * 160 * 120)
    const source = { path, mediaType: 'application/octet-stream', bytes: (await stat(path)).size }
    const inspection = await converter.inspect(source, never())
    return film.plan({ ...source, mediaType: inspection.mediaType }, inspection, never())
  }
  expect(await planOf('long.mkv', ...h264)).toBeDefined()
  expect(await planOf('short.mkv', ...h264, '-t', '1')).toBeUndefined()
  expect(await planOf('fast.mkv', ...h264, '-vf', 'fps=120')).toBeUndefined()
  expect(await planOf('copy.mp4', ...h264, '-pix_fmt', 'yuv420p')).toBeUndefined()
  expect(await planOf('tape.avi', ...h264)).toBeUndefined()
})

const others = [
  { codec: 'hevc', mark: 'hvc1', frames: 120, cost: 6 },
  // As slow as its encoder is.
  { codec: 'av1', mark: 'av01', frames: 12, cost: 13 },
] as const

for (const { codec, mark, frames, cost } of others) {
  const name = `parts in ${codec} are joined as those in H.264 are`
  const joined = async (): Promise<void> => {
    await using bench = await workbench()
    const film = { name: 'film.mkv', frames, size: [480, 400], rate: frames / 12, args: h264 } as const
    const path = await countedFilm(bench, film)
    const { plan, files } = await inParts(path, (frames / 3) * cost * (480 * 400 + 324 * 270), { codecs: [codec] })
    expect(picturesOf(plan).length).toBeGreaterThan(1)
    for (const track of [`cmaf-${codec}-400`, `cmaf-${codec}-270`, 'cmaf-h264-400']) {
      const made = named(files, track)
      expect([track, spans(await numbersOf(made.path))]).toEqual([track, `0-${frames - 1}`])
      if (track.includes(codec)) expect((await readFile(made.path)).subarray(0, 2_000).includes(mark)).toBe(true)
      expect(Math.abs(Number(made.properties.durationMs) - 12_000)).toBeLessThan(100)
    }
  }
  await testWith(codec, name, joined, 120_000)
}
