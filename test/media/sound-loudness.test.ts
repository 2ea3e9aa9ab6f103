import { expect, test } from '@jest/globals'
import { loudnessProperties, measureLoudness, playedLoudness } from '../../shared/media/loudness.ts'
import { programsOf } from './programs.ts'
import { ffmpeg, named, never, run, workbench } from './workbench.ts'

/** A tone of 1 kHz whose highest sample is that many decibels below full scale. */
const tone = (decibels: number): string => `${10 ** (decibels / 20)}*sin(2*PI*1000*t)`
const sound = (words: string): string[] => ['-f', 'lavfi', '-i', `aevalsrc=${words}:d=6:s=48000`]
const pcm = ['-c:a', 'pcm_s16le'] as const

test.each([
  // EBU Tech 3341, cases 1 and 2: in both channels, it reads what its peak is.
  ['a tone at -23 dBFS in stereo', `${tone(-23)}|${tone(-23)}:c=stereo`, -23, -23],
  ['a tone at -33 dBFS in stereo', `${tone(-33)}|${tone(-33)}:c=stereo`, -33, -33],
  // One channel is half as much.
  ['a tone at -20 dBFS in mono', tone(-20), -23, -20],
  // Tech 3341, case 16: of the wave between the samples none is hit, and the highest of them is at -9 dBFS.
  ['a wave between its samples', '0.5*min(1\\,min(t\\,6-t)*9)*sin(2*PI*12000*t+PI/4)', undefined, -6],
] as const)('%s has the loudness and the true peak that EBU R 128 says', async (_, words, lufs, peak) => {
  await using bench = await workbench()
  const { properties } = (await run(await bench.film('tone.wav', ...sound(words), ...pcm))).inspection
  if (lufs !== undefined) expect(Math.abs(Number(properties['loudnessLufs']) - lufs)).toBeLessThanOrEqual(0.1)
  expect(Math.abs(Number(properties['peakDb']) - peak)).toBeLessThanOrEqual(0.2)
})

test('a sound that is copied tells its loudness too', async () => {
  await using bench = await workbench()
  const words = `${tone(-30)}|${tone(-30)}:c=stereo`
  const { inspection, files } = await run(await bench.film('tone.m4a', ...sound(words), '-c:a', 'aac'))
  expect(named(files, 'audio-aac').recipe.options).toMatchObject({ copy: true })
  expect(Math.abs(Number(inspection.properties['loudnessLufs']) + 30)).toBeLessThan(0.5)
})

test('silence has no loudness', async () => {
  await using bench = await workbench()
  const { properties } = (await run(await bench.film('silence.wav', ...sound('0'), ...pcm))).inspection
  expect(properties).toMatchObject({ durationMs: 6000 })
  for (const name of ['loudnessLufs', 'peakDb']) expect(properties).not.toHaveProperty(name)
})

test.each([
  ['mono', tone(-3), { gainDb: -10, measured: 1 }],
  ['stereo', `${tone(-23)}|${tone(-23)}:c=stereo`, { gainDb: 7, measured: 1 }],
  // Mixed down to two channels, which is measured of its own.
  ['5.1', `${Array.from({ length: 6 }, () => tone(-40)).join('|')}:c=5.1`, { measured: 2 }],
] as const)(
  '%s is heard as loud as all else, and is measured no more often than it must be',
  async (_, words, told) => {
    await using bench = await workbench()
    const path = await bench.film('tone.wav', ...sound(words), ...pcm)
    const made: Awaited<ReturnType<typeof run>>[] = []
    const started = await programsOf(async () => void made.push(await run(path)))
    expect(started.filter((program) => program.includes('ebur128'))).toHaveLength(told.measured)
    const [{ inspection, files } = { inspection: undefined, files: [] }] = made
    const opus = named(files, 'audio-opus')
    const heard = await measureLoudness(ffmpeg, { path: opus.path, mediaType: opus.mediaType }, never())
    expect(Math.abs((heard?.integrated ?? 0) + 16)).toBeLessThan(1)
    if (!('gainDb' in told)) return
    expect(Number(opus.properties.gainDb)).toBeCloseTo(told.gainDb, 0)
    const [known, played] = [
      playedLoudness(inspection?.properties ?? {}),
      await measureLoudness(ffmpeg, { path, mediaType: 'audio/wav' }, never()),
    ]
    expect(Math.abs((known?.peak ?? 99) - (played?.peak ?? 0))).toBeLessThan(0.2)
    expect(Math.abs((known?.integrated ?? 99) - (played?.integrated ?? 0))).toBeLessThan(0.2)
  },
)

const picture = '-f lavfi -i testsrc=s=64x48:r=5:d=6'.split(' ')
const h264 = '-c:v libx264 -preset ultrafast -pix_fmt yuv420p'.split(' ')

test.each([
  ['encoded', 'film.mkv', ['-c:a', 'flac'], -33],
  ['copied', 'film.mp4', ['-c:a', 'aac'], -33],
] as const)(
  'a film that is %s tells its loudness, for which its sound is decoded once',
  async (_, name, codec, lufs) => {
    await using bench = await workbench()
    const words = sound(`${tone(lufs)}|${tone(lufs)}:c=stereo`)
    const path = await bench.film(name, ...picture, ...words, ...h264, ...codec)
    const made: Awaited<ReturnType<typeof run>>[] = []
    const started = await programsOf(async () => void made.push(await run(path)))
    const [{ inspection } = { inspection: undefined }] = made
    expect(inspection?.recipes[0]?.options).toMatchObject({ copy: name === 'film.mp4' })
    for (const told of ['loudnessLufs', 'peakDb']) {
      expect(Math.abs(Number(inspection?.properties[told]) - lufs)).toBeLessThan(1)
    }
    const decoded = started.filter((program) => /ebur128|-map 0:a:0 -f null/.test(program))
    expect(decoded.filter((program) => program.includes(`file:${path} `))).toHaveLength(1)
    // That of a copy once more: it may be read in another way.
    expect(decoded).toHaveLength(name === 'film.mp4' ? 2 : 1)
  },
)

test.each([
  ['a silent film', sound('0')],
  ['a film without sound', []],
])('%s has no loudness', async (_, words) => {
  await using bench = await workbench()
  const { properties } = (await run(await bench.film('film.mp4', ...picture, ...words, ...h264))).inspection
  expect(properties).toMatchObject({ width: 64 })
  for (const name of ['loudnessLufs', 'peakDb']) expect(properties).not.toHaveProperty(name)
})

test('of more than twelve hours of sound in all channels together it is not told', async () => {
  const source = { path: '/nowhere', mediaType: 'audio/wav' }
  const length = { durationMs: 6 * 3_600_000, channels: 3 }
  expect(await loudnessProperties(ffmpeg, source, length, never())).toEqual({})
  await expect(loudnessProperties(ffmpeg, source, { ...length, channels: 2 }, never())).rejects.toThrow()
})
