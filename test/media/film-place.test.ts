import { readFile } from 'node:fs/promises'
import { expect, test } from '@jest/globals'
import { inputArgs } from '../../shared/media/ffmpeg-input.ts'
import { be32, box, latin } from './boxes.ts'
import { ffmpeg, never, run, workbench } from './workbench.ts'

/** Where phones write the place of a recording, and what each says here. */
const places = {
  /** QuickTime user data, of the film and of a track. */
  film: '+46.7033+008.1889/',
  track: '+47.1111+009.2222/',
  /** Apple's keys, of which an iPhone uses this one. */
  keys: '+48.3333+010.4444+1447.000/',
  /** 3GPP TS 26.244, 8.3: in numbers, with a name. */
  named: 'Gotthard Pass',
} as const
const key = 'com.apple.quicktime.location.ISO6709'

const userData = (text: string): Buffer => {
  const length = Buffer.from([0, text.length, 0x15, 0xc7])
  return box('\xa9xyz', length, latin(text))
}
const inNumbers = (): Buffer =>
  box(
    'loci',
    be32(0),
    Buffer.from('15c7', 'hex'),
    latin(`${places.named}\0\0`),
    be32(0x82222, 0x2eb418, 0),
    latin('earth\0\0'),
  )

/** The list of keys and that of their values; ISO/IEC 14496-12 has four bytes in front of it that QuickTime has not. */
function keyed(isQuickTime: boolean): Buffer {
  const handler = box('hdlr', be32(0, 0), latin('mdta'), Buffer.alloc(13))
  const keys = box('keys', be32(0, 1), box('mdta', latin(key)))
  const values = box('ilst', box('\0\0\0\x01', box('data', be32(1, 0), latin(places.keys))))
  return box('meta', ...(isQuickTime ? [] : [be32(0)]), handler, keys, values)
}

/** Puts all places into a film whose index comes last, so that nothing else moves. */
function placed(file: Buffer, isQuickTime: boolean): Buffer {
  const at = file.lastIndexOf('moov', undefined, 'latin1') - 4
  const index = file.subarray(at + 8)
  const track = index.indexOf('trak', 0, 'latin1') - 4
  const end = track + index.readUInt32BE(track)
  return Buffer.concat([
    file.subarray(0, at),
    box(
      'moov',
      index.subarray(0, track),
      box('trak', index.subarray(track + 8, end), box('udta', userData(places.track))),
      index.subarray(end),
      box('udta', userData(places.film), inNumbers()),
      keyed(isQuickTime),
    ),
  ])
}

const picture = ['-f', 'lavfi', '-i', 'testsrc=d=2:s=160x120:r=10'] as const
const sound = ['-f', 'lavfi', '-i', 'sine=d=2:r=48000'] as const
const safe = [
  '-c:v',
  'libx264',
  '-preset',
  'ultrafast',
  '-pix_fmt',
  'yuv420p',
  '-g',
  '10',
  '-c:a',
  'aac',
  '-ac',
  '2',
] as const
const old = ['-c:v', 'mpeg4', '-c:a', 'aac'] as const
const plain = ['-fflags', '+bitexact'] as const
const shown = ['cmaf-aac', 'cmaf-h264-120', 'poster', 'preview', 'sprite', 'video-h264-120']
const heard = ['audio-aac', 'audio-opus', 'waveform', 'waveform-png']

test.each([
  ['film.mp4', 'copied', [...picture, ...sound, ...safe], shown],
  ['film.mov', 'copied', [...picture, ...sound, ...safe], shown],
  ['film.mp4', 'encoded', [...picture, ...sound, ...old], shown],
  ['film.mov', 'encoded', [...picture, ...sound, ...old], shown],
  ['memo.m4a', 'copied', [...sound, '-c:a', 'aac', '-ac', '2'], heard],
] as const)('the place in %s, which is %s, is in no rendition', async (name, way, words, made) => {
  await using bench = await workbench()
  const bytes = placed(await readFile(await bench.film(name, ...words, ...plain)), name.endsWith('.mov'))
  const path = await bench.write(`placed-${name}`, bytes)
  expect(tracesIn(bytes)).toEqual([...Object.values(places), key])
  // They are what others take for places too, and no mere bytes.
  const mediaType = name.endsWith('.mov') ? 'video/quicktime' : 'video/mp4'
  const asked = ['-loglevel', 'info', ...inputArgs(path, mediaType, { threads: 1 })]
  const { messages } = await ffmpeg.run(asked, { signal: never(), wallMsMax: 60_000, anyExit: true })
  expect(messages).toMatch(/^ +location +: /m)
  expect(messages).toContain(`${key}: ${places.keys}`)

  const { files } = await run(path)
  expect(files.map(({ recipe }) => recipe.name).sort()).toEqual(made)
  expect(files.some(({ recipe }) => recipe.options.copy === true)).toBe(way === 'copied')
  for (const file of files) {
    expect([file.recipe.name, tracesIn(await readFile(file.path))]).toEqual([file.recipe.name, []])
  }
})

const tracesIn = (bytes: Buffer): string[] =>
  [...Object.values(places), key].filter((trace) => bytes.includes(trace, 0, 'latin1'))
