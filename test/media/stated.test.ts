import { readFile, writeFile } from 'node:fs/promises'
import { expect, test } from '@jest/globals'
import { readStated } from '../../shared/media/stated.ts'
import { workbench } from './workbench.ts'

const sound = ['-f', 'lavfi', '-i', 'sine=d=3:r=44100'] as const
const film = ['-f', 'lavfi', '-i', 'testsrc=d=3:s=64x48:r=10', ...sound] as const

test.each([
  ['film.mp4', 'video/mp4', [...film, '-c:v', 'mpeg4', '-c:a', 'aac']],
  ['film.mov', 'video/quicktime', [...film, '-c:v', 'mpeg4', '-c:a', 'aac']],
  ['film.3gp', 'video/3gpp', [...film, '-c:v', 'mpeg4', '-c:a', 'aac']],
  ['film.mkv', 'video/matroska', [...film, '-c:v', 'mpeg4', '-c:a', 'aac']],
  ['film.webm', 'video/webm', [...film, '-c:v', 'libvpx', '-c:a', 'libvorbis']],
  ['film.avi', 'video/x-msvideo', [...film, '-c:v', 'mpeg4', '-c:a', 'libmp3lame']],
  ['film.flv', 'video/x-flv', [...film, '-c:v', 'flv', '-c:a', 'libmp3lame']],
  ['film.wmv', 'video/x-ms-asf', [...film, '-c:v', 'wmv2', '-c:a', 'wmav2']],
  ['tone.wma', 'audio/x-ms-asf', [...sound, '-c:a', 'wmav2']],
  ['tone.wav', 'audio/wav', [...sound]],
  ['tone.flac', 'audio/flac', [...sound]],
  ['tone.aiff', 'audio/aiff', [...sound]],
] as const)('%s states how long it is, and is read as it means it', async (name, mediaType, words) => {
  await using bench = await workbench()
  const { durationMs = 0 } = (await readStated(await bench.film(name, ...words), mediaType)) ?? {}
  expect(Math.abs(durationMs - 3_000)).toBeLessThan(110)
})

test('a FLAC behind a tag is read too, and one that does not know its end says nothing', async () => {
  await using bench = await workbench()
  const [tagged, endless] = [bench.at('tagged.flac'), bench.at('endless.flac')]
  const whole = await readFile(await bench.film('tone.flac', ...sound))
  const tag = Buffer.concat([Buffer.from('49443304000000000148', 'hex'), Buffer.alloc(200)])
  await writeFile(tagged, Buffer.concat([tag, whole]))
  expect(await readStated(tagged, 'audio/flac')).toEqual({ durationMs: 3_000 })
  whole.fill(0, 22, 26)
  await writeFile(endless, whole)
  expect(await readStated(endless, 'audio/flac')).toEqual({ durationMs: 0 })
})

test.each([
  'audio/flac',
  'audio/aiff',
  'video/x-flv',
  'video/x-msvideo',
  'video/x-ms-asf',
  'video/mp4',
  'video/matroska',
  'audio/wav',
])('noise and nothing that are taken for %s are read to no harm', async (mediaType) => {
  await using bench = await workbench()
  for (const bytes of [0, 1, 9, 30, 100, 5_000]) {
    for (const fill of [0, 1, 255]) {
      const { durationMs = 0 } =
        (await readStated(await bench.write('noise', Buffer.alloc(bytes, fill)), mediaType)) ?? {}
      expect(durationMs).toBeLessThan(1)
    }
  }
})
