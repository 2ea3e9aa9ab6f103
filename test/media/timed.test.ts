import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import sharp from 'sharp'
import { mediaConverter } from '../../shared/media/converter.ts'
import { probeWithFfmpeg } from '../../shared/media/ffmpeg-probe.ts'
import { inputArgs } from '../../shared/media/ffmpeg-input.ts'
import { ffmpegRunner } from '../../shared/media/ffmpeg.ts'
import { measureLoudness } from '../../shared/media/loudness.ts'
import { probeTracks } from '../../shared/media/track-probe.ts'
import { expectFastStart } from './fast-start.ts'
import { converter, ffmpeg, ffmpegPath, named, never, run, turn, workbench } from './workbench.ts'

const picture = (seconds: number, size: string): string[] => [
  '-f',
  'lavfi',
  '-i',
  `testsrc=d=${seconds}:s=${size}:r=25`,
]
const tone = (seconds: number): string[] => ['-f', 'lavfi', '-i', `sine=d=${seconds}:f=440:r=48000`]
const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p']

test('a 1080p film becomes 720p H.264 with AAC that starts at once, with a poster', async () => {
  await using bench = await workbench()
  const film = await bench.film(
    'film.mov',
    ...picture(2, '1920x1080'),
    ...tone(2),
    ...h264,
    '-c:a',
    'aac',
    '-metadata',
    'location=+46.7033+008.1889/',
  )
  expect((await readFile(film)).includes('46.7033')).toBe(true)
  const seen: number[] = []
  const source = { path: film, mediaType: 'video/mp4', bytes: (await stat(film)).size }
  const inspection = await converter.inspect(source, never())
  expect(inspection).toMatchObject({
    mediaType: 'video/quicktime',
    kind: 'video',
    properties: {
      width: 1920,
      height: 1080,
      rotation: 0,
      videoCodec: 'avc',
      audioCodec: 'aac',
      hasAudio: true,
      framesPerSecond: 25,
    },
  })
  await mkdir(bench.at('work'))
  const files = await converter.convert(source, inspection, {
    workFolder: bench.at('work'),
    signal: never(),
    onProgress: (fraction) => void seen.push(fraction),
  })
  expect((await readdir(bench.at('work'))).sort()).toEqual([
    'cmaf-aac.m4a',
    'cmaf-h264-720.mp4',
    'poster.jpg',
    'preview.mp4',
    'sprite.jpg',
    'video-h264-720.mp4',
  ])
  const mp4 = named(files, 'video-h264-720')
  await expectFastStart(mp4.path)
  expect((await readFile(mp4.path)).includes('46.7033')).toBe(false)
  const tracks = await probeTracks(mp4.path)
  expect(tracks).toMatchObject({
    video: { codec: 'avc', width: 1280, height: 720 },
    audio: { codecString: 'mp4a.40.2', channels: 2 },
  })
  expect(tracks?.video?.codecString).toBe('avc1.64001f')
  expect(Math.abs((tracks?.durationMs ?? 0) - 2000)).toBeLessThan(100)
  expect(await sharp(named(files, 'poster').path).metadata()).toMatchObject({
    format: 'jpeg',
    width: 1280,
    height: 720,
  })
  expect(seen.at(-1)).toBe(1)
  expect(seen).toEqual([...seen].sort((a, b) => a - b))
}, 60_000)

test('what already plays on phones is copied, not encoded again', async () => {
  await using bench = await workbench()
  const args = [...picture(3, '640x360'), ...tone(3), ...h264, '-c:a', 'aac', '-ac', '2']
  for (const name of ['film.mkv', 'film.mp4']) {
    const { files } = await run(await bench.film(name, ...args, '-metadata', 'title=Secret place'))
    const mp4 = named(files, 'video-h264-360')
    expect(mp4.properties).toMatchObject({ remuxed: true, width: 640, height: 360, hasAudio: true })
    await expectFastStart(mp4.path)
    expect((await readFile(mp4.path)).includes('Secret place')).toBe(false)
    const frames = (path: string): Promise<string> => framesDigest(path)
    expect(await frames(mp4.path)).toBe(await frames(bench.at(name)))
  }
}, 60_000)

test('a film whose copy nobody could hear is encoded', async () => {
  await using bench = await workbench()
  const path = await bench.film('film.mp4', ...picture(1, '64x48'), ...tone(1), ...h264, '-c:a', 'aac')
  const bytes = await readFile(path)
  // Where the runs of chunks are no runs any more (ISO/IEC 14496-12, 8.7.4), one reader finds other packets than the next.
  const runs = bytes.lastIndexOf('stsc') + 12
  bytes.writeUInt32BE(0x08000003, runs + 2 * 12)
  const { files } = await run(await bench.write('damaged.mp4', bytes))
  expect(named(files, 'video-h264-48').properties).toMatchObject({ remuxed: false, hasAudio: true })
  const sound = named(files, 'cmaf-aac')
  expect((await measureLoudness(ffmpeg, sound, never()))?.integrated).toBeGreaterThan(-20)
}, 60_000)

/** A digest of every decoded frame. */
async function framesDigest(path: string): Promise<string> {
  let text = ''
  const type = path.endsWith('.mkv') ? 'video/matroska' : 'video/mp4'
  await ffmpeg.run([...inputArgs(path, type, { threads: 1 }), '-map', '0:v', '-f', 'framecrc', 'pipe:1'], {
    signal: never(),
    wallMsMax: 20_000,
    onOutput: (chunk) => void (text += chunk.toString()),
  })
  return text
}

test('without ffmpeg a phone-safe film is still copied, and others are stored only', async () => {
  await using bench = await workbench()
  const bare = mediaConverter({ ffmpeg: undefined })
  const safe = await bench.film('safe.mkv', ...picture(1, '320x240'), ...h264)
  const large = await bench.film('large.mp4', ...picture(1, '1920x1080'), ...h264)
  const source = { path: safe, mediaType: '', bytes: (await stat(safe)).size }
  const inspection = await bare.inspect(source, never())
  const files = await bare.convert(source, inspection, { workFolder: bench.folder, signal: never() })
  expect(files.map(({ recipe }) => recipe.name)).toEqual(['video-h264-240'])
  expect((await bare.inspect({ ...source, path: large }, never())).recipes).toEqual([])
}, 60_000)

test('a film on its side comes out upright', async () => {
  await using bench = await workbench()
  // Red above blue, turned by 90 degrees when shown: then red is on the right.
  const halves = [
    '-f',
    'lavfi',
    '-i',
    'color=red:d=1:s=1920x540:r=25',
    '-f',
    'lavfi',
    '-i',
    'color=blue:d=1:s=1920x540:r=25',
    '-filter_complex',
    'vstack',
  ]
  const film = await turn(await bench.film('turned.mp4', ...halves, ...h264), 90)
  const { inspection, files } = await run(film)
  expect(inspection.properties).toMatchObject({ width: 1080, height: 1920, rotation: 90 })
  const mp4 = named(files, 'video-h264-720')
  expect(mp4.properties).toMatchObject({ width: 720, height: 1280, rotation: 0 })
  const { data, info } = await sharp(named(files, 'poster').path).raw().toBuffer({ resolveWithObject: true })
  expect([info.width, info.height]).toEqual([720, 1280])
  const middle = Math.floor(info.height / 2) * info.width
  const redAt = (x: number): number => data[(middle + x) * 3] ?? -1
  expect(redAt(100)).toBeLessThan(40)
  expect(redAt(620)).toBeGreaterThan(215)
}, 60_000)

test.each([
  ['old.avi', ['-c:v', 'mpeg4', '-c:a', 'libmp3lame'], 'video/x-msvideo'],
  ['old.flv', ['-c:v', 'flv', '-c:a', 'libmp3lame', '-ar', '44100'], 'video/x-flv'],
  ['dvd.mpg', ['-c:v', 'mpeg2video', '-c:a', 'mp2', '-f', 'mpeg'], 'video/mpeg'],
  ['air.ts', ['-c:v', 'mpeg2video', '-c:a', 'mp2', '-f', 'mpegts'], 'video/mp2t'],
  ['web.webm', ['-c:v', 'libvpx', '-deadline', 'realtime', '-c:a', 'libvorbis'], 'video/webm'],
  ['win.wmv', ['-c:v', 'wmv2', '-c:a', 'wmav2'], 'asf'],
] as const)(
  '%s is recognised and converted',
  async (name, codecs, mediaType) => {
    await using bench = await workbench()
    const { inspection, files } = await run(await bench.film(name, ...picture(2, '320x240'), ...tone(2), ...codecs))
    expect(inspection.mediaType).toContain(mediaType)
    expect(inspection).toMatchObject({ kind: 'video', properties: { width: 320, height: 240, hasAudio: true } })
    expect(Math.abs(Number(inspection.properties.durationMs) - 2000)).toBeLessThan(250)
    expect(named(files, 'video-h264-240').properties).toMatchObject({ width: 320, height: 240, hasAudio: true })
  },
  60_000,
)

test('both probes agree on rotation, size and sound', async () => {
  await using bench = await workbench()
  const film = await turn(
    await bench.film('turned.mp4', ...picture(1, '640x360'), ...tone(1), ...h264, '-c:a', 'aac'),
    270,
  )
  const [own, other] = [await probeTracks(film), await probeWithFfmpeg(ffmpeg, film, 'video/mp4', never())]
  expect(other.video).toMatchObject({ width: 360, height: 640, codec: 'avc' })
  expect(own?.video).toMatchObject({ width: 360, height: 640, codec: 'avc', rotation: 270 })
  expect(other.audio?.sampleRate).toBe(own?.audio?.sampleRate)
  expect(Math.abs(other.durationMs - (own?.durationMs ?? 0))).toBeLessThan(100)
})

test('an abort ends the decoder at once and leaves nothing running', async () => {
  await using bench = await workbench()
  const film = await bench.film('long.mp4', ...picture(9, '1280x720'), ...h264)
  const source = { path: film, mediaType: 'video/mp4', bytes: (await stat(film)).size }
  const inspection = await converter.inspect(source, never())
  const recoding = {
    ...inspection,
    recipes: inspection.recipes.map((recipe) => ({ ...recipe, options: { ...recipe.options, copy: false } })),
  }
  const abort = new AbortController()
  const reason = new Error('the lease was lost')
  const converting = converter.convert(source, recoding, {
    workFolder: bench.folder,
    signal: abort.signal,
    onProgress: () => abort.abort(reason),
  })
  await expect(converting).rejects.toBe(reason)
  expect(await decodersOf(bench.folder)).toEqual([])
}, 60_000)

test('past its wall time a decoder is stopped with `timed-out`', async () => {
  await using bench = await workbench()
  const film = await bench.film('long.mp4', ...picture(9, '1280x720'), ...h264)
  const args = [...inputArgs(film, 'video/mp4', { threads: 1 }), '-vf', 'scale=4000:4000', '-f', 'null', 'pipe:1']
  await expect(ffmpeg.run(args, { signal: never(), wallMsMax: 300 })).rejects.toMatchObject({ code: 'timed-out' })
  expect(await decodersOf(bench.folder)).toEqual([])
}, 60_000)

test('a decoder may use only so much memory', async () => {
  await using bench = await workbench()
  const film = await bench.film('film.mp4', ...picture(1, '1280x720'), ...h264)
  const small = ffmpegRunner({ path: ffmpegPath, memoryBytesMax: 120 * 1024 ** 2 })
  const args = [...inputArgs(film, 'video/mp4', { threads: 1 }), '-vf', 'scale=7000:7000', '-f', 'null', 'pipe:1']
  await expect(small.run(args, { signal: never(), wallMsMax: 20_000 })).rejects.toMatchObject({ code: 'invalid-media' })
})

test('a decoder dies with the process that started it', async () => {
  await using bench = await workbench()
  const film = await bench.film('long.mp4', ...picture(9, '1280x720'), ...h264)
  const script = await bench.write(
    'owner.mjs',
    `import { inputArgs } from '${new URL('../../shared/media/ffmpeg-input.ts', import.meta.url).href}'
     import { ffmpegRunner } from '${new URL('../../shared/media/ffmpeg.ts', import.meta.url).href}'
     const args = [...inputArgs(${JSON.stringify(film)}, 'video/mp4', { threads: 1 }), '-vf', 'scale=4000:4000', '-f', 'null', 'pipe:1']
     await ffmpegRunner({ path: ${JSON.stringify(ffmpegPath)} }).run(args, { signal: new AbortController().signal, wallMsMax: 60000 })`,
  )
  const owner = spawn(process.execPath, [script], { stdio: 'ignore' })
  for (let wait = 0; wait < 100 && (await decodersOf(bench.folder)).length === 0; wait++) await sleep(100)
  expect(await decodersOf(bench.folder)).toHaveLength(1)
  owner.kill('SIGKILL')
  await once(owner, 'exit')
  for (let wait = 0; wait < 20 && (await decodersOf(bench.folder)).length > 0; wait++) await sleep(100)
  expect(await decodersOf(bench.folder)).toEqual([])
}, 60_000)

/** The process ids of running decoders whose command line names the folder. */
async function decodersOf(folder: string): Promise<string[]> {
  const found: string[] = []
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')
    const status = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')
    if (command.includes('ffmpeg') && command.includes(folder) && !/\) Z /.test(status)) found.push(pid)
  }
  return found
}
