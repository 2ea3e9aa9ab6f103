import { readFile } from 'node:fs/promises'
import { expect, test } from '@jest/globals'
import sharp from 'sharp'
import { expectFastStart } from './fast-start.ts'
import { measureLoudness } from '../../shared/media/loudness.ts'
import { ffmpeg, named, never, run, workbench } from './workbench.ts'

test.each([
  ['tone.wav', ['-c:a', 'pcm_s16le'], 'audio/wav'],
  ['tone.mp3', ['-c:a', 'libmp3lame'], 'audio/mpeg'],
  ['tone.flac', ['-c:a', 'flac'], 'audio/flac'],
  ['tone.ogg', ['-c:a', 'libvorbis'], 'audio/ogg'],
  ['tone.m4a', ['-c:a', 'aac'], 'audio/mp4'],
  ['tone.mp4', ['-c:a', 'aac'], 'audio/mp4'],
  ['tone.aac', ['-c:a', 'aac', '-f', 'adts'], 'audio/aac'],
  ['tone.wma', ['-c:a', 'wmav2'], 'audio/x-ms-asf'],
  ['tone.aiff', ['-c:a', 'pcm_s16be'], 'audio/aiff'],
] as const)(
  '%s becomes AAC, Opus and a waveform',
  async (name, codecs, mediaType) => {
    await using bench = await workbench()
    // Two silent seconds, then a tone.
    const path = await bench.film(
      name,
      '-f',
      'lavfi',
      '-i',
      'aevalsrc=0.8*sin(2*PI*440*t)*gt(t\\,2):d=4:s=48000',
      ...codecs,
    )
    const { inspection, files } = await run(path)
    expect(inspection).toMatchObject({ mediaType, kind: 'audio' })
    const aac = named(files, 'audio-aac')
    await expectFastStart(aac.path)
    expect(Math.abs(Number(aac.properties.durationMs) - 4000)).toBeLessThan(150)
    const opus = named(files, 'audio-opus')
    expect(opus).toMatchObject({ mediaType: 'audio/ogg', properties: { audioCodec: 'opus', channels: 2 } })
    expect(Math.abs(Number(opus.properties.durationMs) - 4000)).toBeLessThan(150)
    const wave = JSON.parse(await readFile(named(files, 'waveform').path, 'utf8'))
    expect(wave).toMatchObject({ version: 2, channels: 1, bits: 8, sample_rate: 8000 })
    expect(wave.data).toHaveLength(wave.length * 2)
    const loudest = (from: number, to: number): number =>
      Math.max(...wave.data.slice(Math.floor(from * wave.data.length), Math.floor(to * wave.data.length)).map(Math.abs))
    expect(loudest(0.05, 0.45)).toBeLessThan(6)
    expect(loudest(0.55, 0.95)).toBeGreaterThan(60)
    const picture = sharp(named(files, 'waveform-png').path)
    const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true })
    expect([info.width, info.height, info.channels]).toEqual([1024, 160, 4])
    /** How many of a column's pixels are drawn. */
    const drawn = (x: number): number =>
      Array.from({ length: 160 }, (_, y) => data[(y * 1024 + x) * 4 + 3]).filter(Boolean).length
    expect(drawn(256)).toBeLessThan(8)
    expect(drawn(768)).toBeGreaterThan(80)
  },
  60_000,
)

const tagged = [
  '-metadata',
  'title=Ahoy',
  '-metadata',
  'artist=The Crew',
  '-metadata',
  'album=Two Hulls',
  '-metadata',
  'track=3/9',
]

test.each([
  ['song.mp3', ['-c:a', 'libmp3lame', '-id3v2_version', '3']],
  ['song.m4a', ['-c:a', 'aac']],
] as const)(
  '%s tells its title, shows its cover, and passes on neither by itself',
  async (name, codec) => {
    await using bench = await workbench()
    await sharp({ create: { width: 1600, height: 1200, channels: 3, background: '#c03020' } })
      .withExif({ IFD0: { Copyright: 'Somewhere 46.7' } })
      .jpeg()
      .toFile(bench.at('cover.jpg'))
    const sine = ['-f', 'lavfi', '-i', 'aevalsrc=0.02*sin(2*PI*440*t):d=4:s=44100', '-i', bench.at('cover.jpg')]
    const maps = ['-map', '0:a', '-map', '1:v', '-c:v', 'copy', '-disposition:v', 'attached_pic']
    const { inspection, files } = await run(await bench.film(name, ...sine, ...maps, ...codec, ...tagged))
    expect(inspection).toMatchObject({
      kind: 'audio',
      properties: { tags: { title: 'Ahoy', artist: 'The Crew', album: 'Two Hulls', track: 3 } },
    })
    const cover = named(files, 'cover')
    expect(await sharp(cover.path).metadata()).toMatchObject({ format: 'jpeg', width: 1000, height: 750 })
    for (const { path } of files) expect((await readFile(path)).toString('latin1')).not.toMatch(/Ahoy|The Crew|46\.7/)
    const opus = named(files, 'audio-opus')
    const heard = await measureLoudness(ffmpeg, { path: opus.path, mediaType: opus.mediaType }, never())
    expect(Math.abs((heard?.integrated ?? 0) + 16)).toBeLessThan(1)
  },
  60_000,
)

test('a cover that is no picture is left out, and the song is not', async () => {
  await using bench = await workbench()
  await sharp({ create: { width: 90, height: 90, channels: 3, background: '#c03020' } })
    .jpeg()
    .toFile(bench.at('cover.jpg'))
  const maps = ['-map', '0:a', '-map', '1:v', '-c:v', 'copy', '-disposition:v', 'attached_pic', '-c:a', 'libmp3lame']
  const song = await bench.film('song.mp3', '-f', 'lavfi', '-i', 'sine=d=3', '-i', bench.at('cover.jpg'), ...maps)
  const bytes = await readFile(song)
  const cover = await readFile(bench.at('cover.jpg'))
  const at = bytes.indexOf(cover.subarray(0, 32))
  expect(at).toBeGreaterThan(0)
  bytes.fill(0x5a, at + 40, at + cover.length)
  const { files } = await run(await bench.write('damaged.mp3', bytes))
  expect(files.map(({ recipe }) => recipe.name).sort()).toEqual(['audio-aac', 'audio-opus', 'waveform', 'waveform-png'])
}, 60_000)
