import { readFile } from 'node:fs/promises'
import { expect, test } from '@jest/globals'
import sharp from 'sharp'
import { measureLoudness } from '../../shared/media/loudness.ts'
import { probeTracks } from '../../shared/media/track-probe.ts'
import { converter, ffmpeg, named, never, run, workbench, type Workbench } from './workbench.ts'

const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p']
const source = (words: string): string[] => ['-f', 'lavfi', '-i', words]

/** Twelve seconds that turn from red over green to blue, every four seconds. */
const colours = (bench: Workbench, ...more: readonly string[]): Promise<string> =>
  bench.film(
    'colours.mp4',
    ...source(
      "color=red:s=320x180:r=5:d=12,drawbox=color=lime:t=fill:enable='gte(t,4)',drawbox=color=blue:t=fill:enable='gte(t,8)'",
    ),
    ...h264,
    ...more,
  )

async function pixel(path: string, x: number, y: number): Promise<number[]> {
  const { data } = await sharp(path)
    .extract({ left: x, top: y, width: 1, height: 1 })
    .raw()
    .toBuffer({ resolveWithObject: true })
  return [...data].map((value) => Math.round(value / 255))
}

test('a sprite sheet shows the film second by second, and a preview clip all of it in short', async () => {
  await using bench = await workbench()
  const { files } = await run(await colours(bench))
  const sprite = named(files, 'sprite')
  expect(sprite.properties).toMatchObject({ count: 12, columns: 10, intervalMs: 1000, tileWidth: 160, tileHeight: 90 })
  expect(await sharp(sprite.path).metadata()).toMatchObject({ format: 'jpeg', width: 1600, height: 180 })
  const shown = [0, 3, 5, 7].map((column) => pixel(sprite.path, column * 160 + 80, 45))
  expect(await Promise.all(shown)).toEqual([
    [1, 0, 0],
    [1, 0, 0],
    [0, 1, 0],
    [0, 1, 0],
  ])
  expect(await pixel(sprite.path, 160 + 80, 90 + 45)).toEqual([0, 0, 1])
  const preview = named(files, 'preview')
  expect(preview.properties).toMatchObject({ width: 320, height: 180, hasAudio: false })
  const tracks = await probeTracks(preview.path)
  // A second at five frames a second may hold a sixth.
  expect(tracks?.audio).toBeUndefined()
  expect(Math.abs((tracks?.durationMs ?? 0) - 4_400)).toBeLessThanOrEqual(500)
  expect(preview.bytes).toBeLessThan(60_000)
}, 60_000)

test('a film of a second has a preview too', async () => {
  await using bench = await workbench()
  const words = [...source('testsrc=d=1:s=64x48:r=10'), ...source('sine=d=1'), ...h264, '-g', '5', '-c:a', 'aac']
  const { files } = await run(await bench.film('film.mkv', ...words))
  expect(Math.abs(Number(named(files, 'preview').properties.durationMs) - 1_000)).toBeLessThan(200)
}, 60_000)

test('text tracks become WebVTT, each by its language', async () => {
  await using bench = await workbench()
  const text = await bench.write('text.srt', '1\n00:00:01,000 --> 00:00:02,500\n<i>Ahoy</i> & welcome\n')
  const inputs = ['-i', text, '-i', text, '-i', text, '-map', '0', '-map', '1', '-map', '2', '-map', '3']
  const names = ['eng', 'eng', 'deu'].flatMap((language, at) => [`-metadata:s:s:${at}`, `language=${language}`])
  const film = await bench.film(
    'film.mp4',
    ...source('testsrc=d=3:s=160x120:r=5'),
    ...inputs,
    ...h264,
    '-c:s',
    'mov_text',
    ...names,
  )
  const { files } = await run(film)
  for (const name of ['captions-eng', 'captions-eng-2', 'captions-deu']) {
    const captions = named(files, name)
    expect(captions.properties).toMatchObject({ cues: 1, language: name.slice(9, 12) })
    expect(await readFile(captions.path, 'utf8')).toBe(
      'WEBVTT\n\n00:00:01.000 --> 00:00:02.500\n<i>Ahoy</i> &amp; welcome\n',
    )
  }
}, 60_000)

test('loudness is measured as EBU R 128 says', async () => {
  await using bench = await workbench()
  // EBU Tech 3341, 1: a sine of 1 kHz in both channels at -23 dBFS reads -23 LUFS.
  const sine = `${10 ** (-23 / 20)}*sin(2*PI*1000*t)`
  const tone = await bench.film('tone.wav', ...source(`aevalsrc=${sine}|${sine}:c=stereo:d=5:s=48000`))
  const found = await measureLoudness(ffmpeg, { path: tone, mediaType: 'audio/wav' }, never())
  expect(found?.integrated).toBeCloseTo(-23, 0)
  const silence = await bench.film('silence.wav', ...source('anullsrc=r=8000'), '-t', '3')
  expect(await measureLoudness(ffmpeg, { path: silence, mediaType: 'audio/wav' }, never())).toBeUndefined()
})

test.each([
  ['too quiet', 0.02, 'aevalsrc=V*sin(2*PI*440*t):d=9:s=44100'],
  ['too loud', 0.99, 'aevalsrc=V*sin(2*PI*440*t):d=9:s=44100'],
  ['quiet with a bang', 0.03, 'aevalsrc=V*sin(2*PI*440*t)+0.9*sin(2*PI*99*t)*between(t\\,4\\,4.05):d=9:s=44100'],
])(
  'sound that is %s is heard at -16 LUFS, and does not clip',
  async (_, volume, words) => {
    await using bench = await workbench()
    const picture = source('color=black:s=160x120:r=2:d=9')
    const film = await bench.film(
      'film.mkv',
      ...picture,
      ...source(words.replace('V', String(volume))),
      ...h264,
      '-c:a',
      'flac',
    )
    const { files } = await run(film)
    for (const name of ['video-h264-120', 'cmaf-aac']) {
      const file = named(files, name)
      const found = await measureLoudness(ffmpeg, { path: file.path, mediaType: file.mediaType }, never())
      expect(Math.abs((found?.integrated ?? 0) + 16)).toBeLessThan(1.2)
      expect(found?.peak).toBeLessThanOrEqual(0)
    }
  },
  60_000,
)

test('a film of high dynamic range is shown as bright as it was meant, where the build can', async () => {
  await using bench = await workbench()
  const hdr = '-color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc'.split(' ')
  const x265 = 'log-level=error:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc'
  const codec = ['-vf', 'format=yuv420p10le', '-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', x265, ...hdr]
  // Half of the scale is about 100 cd/m2 here, the white of paper, while an ordinary screen shows half as a dull grey.
  const film = await bench.film('hdr.mp4', ...source('color=0x848484:s=320x180:r=5:d=2'), ...codec, '-tag:v', 'hvc1')
  const { inspection, files } = await run(film)
  expect(inspection.properties).toMatchObject({ videoCodec: 'hevc', hdr: 'pq', toneMapped: true })
  const grey = async (path: string): Promise<number> => (await sharp(path).stats()).channels[0]?.mean ?? 0
  const mapped = await grey(named(files, 'poster').path)
  const plain = inspection.recipes.map(({ options, ...recipe }) => ({
    ...recipe,
    options: { ...options, toneMap: false },
  }))
  const unmapped = await converter.convert(
    { path: film, mediaType: 'video/mp4', bytes: 1 },
    { ...inspection, recipes: plain },
    { workFolder: bench.folder, signal: never() },
  )
  expect(mapped - (await grey(named(unmapped, 'poster').path))).toBeGreaterThan(20)
}, 60_000)
