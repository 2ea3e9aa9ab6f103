import { open, readFile, stat, writeFile } from 'node:fs/promises'
import { expect, test } from '@jest/globals'
import { unpackSegments, type SegmentIndex } from '../../shared/domain/segments.ts'
import { mediaConverter } from '../../shared/media/converter.ts'
import { inputArgs } from '../../shared/media/ffmpeg-input.ts'
import { rungsFor } from '../../shared/media/ladder.ts'
import { probeTracks } from '../../shared/media/track-probe.ts'
import type { ConvertedFile } from '../../shared/ports/media-converter.ts'
import { testWith } from './with-encoder.ts'
import { ffmpeg, named, never, run, turn, workbench } from './workbench.ts'

const sizes = (width: number, height: number, durationMs = 60_000): string[] =>
  rungsFor({ width, height, framesPerSecond: 25 }, durationMs).map(
    (rung) => `${rung.width}x${rung.height}@${rung.level}`,
  )

test('rungs are never larger than the film, keep its shape, and say their level', () => {
  expect(sizes(1920, 1080)).toEqual(['1920x1080@4', '1280x720@3.1', '854x480@3', '480x270@3'])
  expect(sizes(3840, 2160)).toEqual(sizes(1920, 1080))
  expect(sizes(1080, 1920)).toEqual(['1080x1920@4', '720x1280@3.1', '480x854@3', '270x480@3'])
  expect(sizes(640, 360)).toEqual(['640x360@3'])
  expect(sizes(1280, 720, 5_000)).toEqual(['1280x720@3.1'])
  expect(sizes(1001, 501)).toEqual(['1000x500@3.1', '540x270@3'])
  const [fast] = rungsFor({ width: 1920, height: 1080, framesPerSecond: 60 }, 60_000)
  expect(fast?.level).toBe(4.2)
})

const indexOf = (file: ConvertedFile): SegmentIndex => {
  if (!file.segments) throw new Error(`${file.recipe.name} has no segments`)
  return unpackSegments(file.segments)
}

/** The mean brightness of each frame. */
async function brightness(path: string): Promise<number[]> {
  const chunks: Buffer[] = []
  const size = 8 * 8
  const words = ['-map', '0:v:0', '-vsync', '0', '-vf', 'scale=8:8', '-pix_fmt', 'gray', '-f', 'rawvideo', 'pipe:1']
  await decode(path, 'video/mp4', words, chunks)
  const data = Buffer.concat(chunks)
  return Array.from({ length: data.length / size }, (_, frame) => {
    const pixels = data.subarray(frame * size, (frame + 1) * size)
    return pixels.reduce((sum, value) => sum + value, 0) / size
  })
}

/** When sound is first heard, in seconds. */
async function firstSound(path: string): Promise<number> {
  const chunks: Buffer[] = []
  const words = ['-map', '0:a:0', '-ac', '1', '-ar', '48000', '-f', 's16le', 'pipe:1']
  await decode(path, 'audio/mp4', words, chunks)
  const data = Buffer.concat(chunks)
  for (let at = 0; at + 2 <= data.length; at += 2) if (Math.abs(data.readInt16LE(at)) > 2_000) return at / 2 / 48_000
  return -1
}

const decode = (path: string, type: string, words: readonly string[], chunks: Buffer[]): Promise<unknown> =>
  ffmpeg.run([...inputArgs(path, type, { threads: 1 }), ...words], {
    signal: never(),
    wallMsMax: 20_000,
    onOutput: (chunk) => void chunks.push(chunk),
  })

/** Nine seconds of black, and white with a tone from the fifth on. */
const flash = (size: string, rate: number): string[] => [
  '-f',
  'lavfi',
  '-i',
  `color=black:s=${size}:r=${rate}:d=9,drawbox=color=white:t=fill:enable='gte(t,5)'`,
  '-f',
  'lavfi',
  '-i',
  'aevalsrc=0.5*sin(2*PI*440*t)*gte(t\\,5):d=9:s=48000',
]
const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p']

test('a film becomes a ladder whose segments begin together and play by themselves, beside its sound', async () => {
  await using bench = await workbench()
  const film = await bench.film('film.mkv', ...flash('1280x720', 6), ...h264, '-c:a', 'flac')
  const { inspection, files } = await run(film)
  expect(files.map(({ recipe }) => recipe.name).sort()).toEqual(inspection.recipes.map(({ name }) => name).sort())
  const rungs = [720, 480, 270].map((side) => named(files, `cmaf-h264-${side}`))
  const sound = named(files, 'cmaf-aac')
  for (const rung of rungs) {
    const index = indexOf(rung)
    expect(index.segments.map(({ ticks }) => ticks / index.timescale)).toEqual([4, 4, 1])
    const { size } = await stat(rung.path)
    expect(index.segments.reduce((sum, { bytes }) => sum + bytes, index.initBytes + index.indexBytes)).toBe(size)
    const levels = await brightness(rung.path)
    expect([levels.length, levels.findIndex((level) => level > 128)]).toEqual([54, 30])
    expect((await probeTracks(rung.path))?.durationMs).toBe(9_000)
  }
  expect(rungs.map(({ properties }) => properties.videoCodec)).toEqual(['avc1.64001f', 'avc1.64001e', 'avc1.64001e'])
  await expectEachSegmentPlays(rungs[2] as ConvertedFile, bench.at('one.mp4'), [24, 24, 6])
  expect(Math.abs((await firstSound(sound.path)) - 5)).toBeLessThan(0.03)
  const mp4 = named(files, 'video-h264-720')
  expect(mp4.properties).toMatchObject({ width: 1280, height: 720, hasAudio: true, remuxed: false })
  expect((await brightness(mp4.path)).findIndex((level) => level > 128)).toBe(30)
  expect(Math.abs((await firstSound(mp4.path)) - 5)).toBeLessThan(0.03)
  const soundIndex = indexOf(sound)
  expect(soundIndex.segments.map(({ ticks }) => Math.round(ticks / soundIndex.timescale))).toEqual([4, 4, 1])
}, 60_000)

/** Header and one segment alone: it needs no frame of another. */
async function expectEachSegmentPlays(file: ConvertedFile, path: string, frames: readonly number[]): Promise<void> {
  const bytes = await readFile(file.path)
  const index = indexOf(file)
  let at = index.initBytes + index.indexBytes
  const found: number[] = []
  for (const segment of index.segments) {
    await writeFile(path, Buffer.concat([bytes.subarray(0, index.initBytes), bytes.subarray(at, at + segment.bytes)]))
    found.push((await brightness(path)).length)
    at += segment.bytes
  }
  expect(found).toEqual(frames)
}

test('the index in front of a track says where each segment is', async () => {
  await using bench = await workbench()
  const { files } = await run(await bench.film('film.mp4', ...flash('320x240', 10), ...h264, '-g', '40', '-c:a', 'aac'))
  const track = named(files, 'cmaf-h264-240')
  const index = indexOf(track)
  const file = await open(track.path)
  const box = Buffer.alloc(index.indexBytes)
  await file.read(box, 0, box.length, index.initBytes)
  await file.close()
  // ISO/IEC 14496-12, 8.16.3, version 1.
  expect([box.readUInt32BE(0), box.toString('latin1', 4, 8), box[8]]).toEqual([box.length, 'sidx', 1])
  expect(box.readUInt32BE(16)).toBe(index.timescale)
  const count = box.readUInt16BE(38)
  const rows = Array.from({ length: count }, (_, row) => ({
    bytes: box.readUInt32BE(40 + row * 12),
    ticks: box.readUInt32BE(44 + row * 12),
  }))
  expect(rows).toEqual(index.segments)
  expect(named(files, 'video-h264-240').properties).toMatchObject({ remuxed: true })
}, 60_000)

test('a film on its side is a stream that stands upright, with few key frames or many', async () => {
  await using bench = await workbench()
  const args = [...flash('320x240', 10), ...h264, '-g', '900', '-sc_threshold', '0', '-c:a', 'aac', '-ac', '2']
  const turned = await turn(await bench.film('turned.mp4', ...args), 90)
  const track = named((await run(turned)).files, 'cmaf-h264-240')
  expect(track.properties).toMatchObject({ width: 240, height: 320, rotation: 0 })
  expect(indexOf(track).segments).toHaveLength(3)
}, 60_000)

test('a copy whose key frames are too rare is encoded for its stream', async () => {
  await using bench = await workbench()
  const film = ['-f', 'lavfi', '-i', 'testsrc=d=14:s=160x120:r=5', ...h264, '-g', '900', '-sc_threshold', '0']
  const { files } = await run(await bench.film('rare.mp4', ...film))
  expect(named(files, 'video-h264-120').properties).toMatchObject({ remuxed: true })
  expect(indexOf(named(files, 'cmaf-h264-120')).segments).toHaveLength(4)
}, 60_000)

test('frames that come when they like keep the rungs aligned', async () => {
  await using bench = await workbench()
  const late = "select='not(mod(n\\,3))+gt(mod(n\\,50)\\,30)'"
  const film = ['-f', 'lavfi', '-i', `testsrc=d=9:s=640x480:r=15,${late}`, '-vsync', 'vfr', ...h264]
  const { files } = await run(await bench.film('uneven.mkv', ...film))
  const [high, low] = [indexOf(named(files, 'cmaf-h264-480')), indexOf(named(files, 'cmaf-h264-270'))]
  const seconds = ({ segments, timescale }: SegmentIndex): number[] => segments.map(({ ticks }) => ticks / timescale)
  expect(seconds(low)).toEqual(seconds(high))
  expect(seconds(low).length).toBe(3)
}, 60_000)

await testWith(
  'hevc',
  'a film has its rungs in H.265 as well where that is asked for, cut at the same frames',
  async () => {
    await using bench = await workbench()
    const film = await bench.film('film.mkv', ...flash('480x400', 6), ...h264, '-c:a', 'flac')
    const { files } = await run(film, undefined, mediaConverter({ ffmpeg, codecs: ['hevc'] }))
    const names = files.map(({ recipe }) => recipe.name).filter((name) => name.startsWith('cmaf-'))
    expect(names.sort()).toEqual(['cmaf-aac', 'cmaf-h264-270', 'cmaf-h264-400', 'cmaf-hevc-270', 'cmaf-hevc-400'])
    for (const side of [400, 270]) {
      const [plain, hevc] = [named(files, `cmaf-h264-${side}`), named(files, `cmaf-hevc-${side}`)]
      const { width, height, durationMs } = plain.properties
      expect(hevc.properties).toMatchObject({
        width,
        height,
        durationMs,
        videoCodec: expect.stringMatching(/^hvc1\.1\./),
      })
      expect((await readFile(hevc.path)).subarray(0, 2_000).includes('hvc1')).toBe(true)
      expect(secondsOf(hevc)).toEqual(secondsOf(plain))
      expect((await brightness(hevc.path)).findIndex((level) => level > 128)).toBe(30)
    }
    await expectEachSegmentPlays(named(files, 'cmaf-hevc-270'), bench.at('one.mp4'), [24, 24, 6])
  },
  60_000,
)

await testWith(
  'av1',
  'a film has its rungs in AV1 as well, which can be read again',
  async () => {
    await using bench = await workbench()
    const film = await bench.film('film.mkv', ...flash('480x400', 1), ...h264, '-an')
    const { files } = await run(film, undefined, mediaConverter({ ffmpeg, codecs: ['av1'] }))
    for (const side of [400, 270]) {
      const [plain, av1] = [named(files, `cmaf-h264-${side}`), named(files, `cmaf-av1-${side}`)]
      const { width, height } = plain.properties
      expect(av1.properties).toMatchObject({ width, height, videoCodec: expect.stringMatching(/^av01\.0\./) })
      expect(secondsOf(av1)).toEqual(secondsOf(plain))
      expect((await brightness(av1.path)).findIndex((level) => level > 128)).toBe(5)
    }
    const small = named(files, 'cmaf-av1-270').path
    await expectEachSegmentPlays(named(files, 'cmaf-av1-270'), bench.at('one.mp4'), [4, 4, 1])
    const again = await run(small, 'video/mp4')
    expect(again.inspection.properties).toMatchObject({ videoCodec: 'av1' })
    expect((await brightness(named(again.files, 'video-h264-270').path)).findIndex((level) => level > 128)).toBe(5)
  },
  120_000,
)

const secondsOf = (file: ConvertedFile): number[] => {
  const { segments, timescale } = indexOf(file)
  return segments.map(({ ticks }) => ticks / timescale)
}
