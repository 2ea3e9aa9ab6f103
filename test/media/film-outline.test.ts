import { open, readFile, stat, writeFile } from 'node:fs/promises'
import { expect, test } from '@jest/globals'
import { withFile } from '../../shared/media/file-parts.ts'
import { findPackets, isReadAsFound } from '../../shared/media/film-reading.ts'
import { measureLoudness } from '../../shared/media/loudness.ts'
import { readMovie } from '../../shared/media/movie-index.ts'
import { countedFilm, numbersOf } from './counted.ts'
import { h264, inParts, makerOf, outlineOf, picturesOf, spans } from './film-bench.ts'
import { ffmpeg, named, never, workbench, type Workbench } from './workbench.ts'

const [width, height, frames] = [320, 240, 120]
const filmOf = (bench: Workbench, name: string, ...args: readonly string[]): Promise<string> =>
  countedFilm(bench, { name, frames, size: [width, height], rate: 10, args: [...h264, ...args] })
const partPixels = 30 * 1.3 * width * height

test.each([
  ['an MP4 with its index at the end', 'film.mp4', ['-c:a', 'aac']],
  [
    'an MP4 with its index in front',
    'film.mp4',
    ['-c:a', 'aac', '-movflags', '+faststart', '-vf', 'setpts=PTS+0.4/TB'],
  ],
  ['a QuickTime film with plain sound', 'film.mov', ['-c:a', 'pcm_s16le']],
])(
  '%s is made in parts of whose workers none has all of it',
  async (_, name, args) => {
    await using bench = await workbench()
    const path = await filmOf(bench, name, ...args)
    const { plan, files } = await inParts(path, partPixels, { isLaid: true })
    expect(picturesOf(plan).length).toBeGreaterThan(2)
    for (const made of ['cmaf-h264-240', 'video-h264-240']) {
      expect([made, spans(await numbersOf(named(files, made).path))]).toEqual([made, `0-${frames - 1}`])
    }
    const { path: heard, mediaType } = named(files, 'cmaf-aac')
    const loudness = await measureLoudness(ffmpeg, { path: heard, mediaType }, never())
    expect(Math.abs((loudness?.integrated ?? 0) + 16)).toBeLessThan(1)
  },
  60_000,
)

test('the plan by an outline is that by the whole film; a part asks for its share, and what ffmpeg looks at in any case', async () => {
  await using bench = await workbench()
  // As heavy as films of cameras are, for how small it is.
  const path = await filmOf(
    bench,
    'film.mp4',
    ...'-b:v 16M -minrate 16M -maxrate 16M -bufsize 8M -nal-hrd cbr'.split(' '),
  )
  const { size: bytes } = await stat(path)
  const { converter, film } = makerOf(partPixels)
  const whole = { path, mediaType: 'video/mp4', bytes }
  const outline = await outlineOf(film, whole, bench.at('outline'))
  const inspection = await converter.inspect(outline.source, never())
  expect(inspection).toEqual(await converter.inspect(whole, never()))
  const plan = await film.plan(outline.source, inspection, never())
  expect(plan).toEqual(await film.plan(whole, inspection, never()))
  const taken: number[] = []
  for (const part of picturesOf(plan ?? { recipes: [], parts: [] })) {
    const laid = await outlineOf(film, whole, bench.at('part'), plan && { plan, part })
    taken.push(laid.bytes)
    // Of a file of holes the system keeps what was written.
    expect((await stat(laid.source.path)).blocks * 512).toBeLessThan(laid.bytes + 1_000_000)
    // Two groups of frames before it, and two and a half seconds after: 7.5 of 12 seconds.
    expect(laid.bytes - outline.bytes).toBeLessThan(bytes * (part.frames / frames + 7.5 / 12))
  }
  expect(taken.length).toBeGreaterThan(2)
  expect(Math.max(...taken)).toBeLessThan(bytes * 0.9)
}, 60_000)

/** Writes another number into every entry of a table of 32 bits, such as `stco` of the first track. */
async function damage(path: string, table: string, change: (value: number, entry: number) => number): Promise<void> {
  const data = await readFile(path)
  const at = data.indexOf(table, data.indexOf('moov', 0, 'latin1'), 'latin1') + 8
  for (let entry = 0; entry < data.readUInt32BE(at); entry++) {
    const place = at + 4 + entry * 4
    data.writeUInt32BE(change(data.readUInt32BE(place), entry), place)
  }
  await writeFile(path, data)
}

test('an index that lies fails, or is not relied on', async () => {
  await using bench = await workbench()
  const original = await readFile(await filmOf(bench, 'film.mp4', '-an'))
  const path = bench.at('lying.mp4')
  const { converter, film } = makerOf(partPixels)
  const outline = async () => {
    const whole = { path, mediaType: 'video/mp4', bytes: (await stat(path)).size }
    const { source } = await outlineOf(film, whole, bench.at('outline'))
    const plan = await film.plan(source, await converter.inspect(source, never()), never())
    if (!plan) throw new Error('no plan')
    const [part] = picturesOf(plan).slice(1)
    if (!part) throw new Error('no part')
    const laid = await outlineOf(film, whole, bench.at('part'), { plan, part })
    await film.make(laid.source, plan, part, { workFolder: bench.folder, signal: never() })
  }
  await writeFile(path, original)
  await outline()
  // All frames lie over each other, at a place that has other bytes.
  await damage(path, 'stco', () => 100)
  await expect(outline()).rejects.toMatchObject({ code: 'invalid-media' })
  await writeFile(path, original)
  await damage(path, 'stco', () => original.length - 10)
  await expect(outline()).rejects.toThrow('it takes the whole film')
  await writeFile(path, original)
  await damage(path, 'stsc', (value, entry) => (entry === 0 ? value + 1 : value))
  await expect(outline()).rejects.toThrow('it takes the whole film')
  await writeFile(path, original.subarray(0, original.length - 3_000))
  await expect(outline()).rejects.toThrow('it takes the whole film')
  // Nobody knows which of two indexes, or of two tables, another reader believes.
  const moov = original.subarray(original.indexOf('moov') - 4)
  await writeFile(path, Buffer.concat([original, moov]))
  await expect(outline()).rejects.toThrow('it takes the whole film')
}, 60_000)

test('that ffmpeg reads other bytes than the index says is found, packet by packet', async () => {
  await using bench = await workbench()
  const path = await filmOf(bench, 'film.mov', '-c:a', 'pcm_s16le', '-t', '2')
  const source = { path, mediaType: 'video/quicktime', bytes: (await stat(path)).size }
  await withFile(path, async (file) => {
    const tracks = (await readMovie(file)) ?? []
    for (const map of ['0:v:0', '0:a:0']) {
      const found = await findPackets(ffmpeg, source, { reading: { map }, tracks, signal: never() })
      if (!found) throw new Error('not found')
      expect(found.offsets.length).toBeGreaterThan(10)
      expect(await isReadAsFound(file, found, never())).toBe(true)
      const offsets = found.offsets.map((offset, index) => (index === 9 ? offset - 1 : offset))
      expect(await isReadAsFound(file, { ...found, offsets }, never())).toBe(false)
    }
  })
  // A hole where the sound should be: what ffmpeg read before is not what is there.
  await using copy = await open(path, 'r+')
  const tracks = (await readMovie(copy)) ?? []
  const found = await findPackets(ffmpeg, source, { reading: { map: '0:a:0' }, tracks, signal: never() })
  await copy.write(Buffer.alloc(64), 0, 64, found?.offsets[5] ?? 0)
  expect(found && (await isReadAsFound(copy, found, never()))).toBe(false)
})

test('other files, and films whose index is all over them, take the whole file', async () => {
  await using bench = await workbench()
  const { film } = makerOf(1)
  const outline = async (path: string) => {
    const data = await readFile(path)
    return film.outline(data.length, async ({ first, last }) => data.subarray(first, last + 1))
  }
  const short = (name: string, ...args: readonly string[]): Promise<string> =>
    bench.film(name, '-f', 'lavfi', '-i', 'testsrc=s=64x48:d=1:r=5', ...h264, ...args)
  expect(await outline(await short('film.mp4'))).toBeDefined()
  expect(await outline(await short('pieces.mp4', '-movflags', 'frag_keyframe+empty_moov'))).toBeUndefined()
  expect(await outline(await short('film.mkv'))).toBeUndefined()
  for (const text of [
    '',
    'x',
    'mdat',
    '\0\0\0\x08mdat',
    '\0\0\0\x01mdat\xff\xff\xff\xff\xff\xff\xff\xff',
    'x'.repeat(99),
  ]) {
    expect(await outline(await bench.write('text', Buffer.from(text, 'latin1')))).toBeUndefined()
  }
})
