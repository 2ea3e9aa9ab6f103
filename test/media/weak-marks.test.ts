import { readFile } from 'node:fs/promises'
import { expect, test } from '@jest/globals'
import { chance } from '../../local/samples/chance.ts'
import { sniffFile } from '../../shared/media/sniff.ts'
import { run, workbench } from './workbench.ts'

const next = chance(41)
const noise = (bytes: number): Buffer => Buffer.from(Array.from({ length: bytes }, () => next() * 256))

/** Noise that a short mark stands at the beginning of by chance, as it does in one file of two thousand. */
const chanced: readonly (readonly [string, string, (bytes: Buffer) => void])[] = [
  ['an MP3 frame', 'audio/mpeg', (bytes) => bytes.set([0xff, 0xfb, 0x90, 0x64])],
  ['a layer II frame', 'audio/mpeg', (bytes) => bytes.set([0xff, 0xf4, 0x84, 0xc0])],
  ['a rate that is forbidden', 'audio/mpeg', (bytes) => bytes.set([0xff, 0xfb, 0xf4, 0])],
  ['an ADTS frame', 'audio/aac', (bytes) => bytes.set([0xff, 0xf1, 0x50, 0x80, 0x10, 0x1f])],
  ['an ADTS frame that never ends', 'audio/aac', (bytes) => bytes.set([0xff, 0xf1, 0x50, 0x80, 0, 0])],
  ['two transport packets', 'video/mp2t', (bytes) => [0, 188].forEach((at) => bytes.set([0x47], at))],
  ['two packets of a disc', 'video/mp2t', (bytes) => [4, 196].forEach((at) => bytes.set([0x47], at))],
]

test.each(chanced)(
  'noise that begins like %s is stored as it is',
  async (_, mediaType, mark) => {
    await using bench = await workbench()
    for (const length of [200, 70_000]) {
      const bytes = noise(length)
      mark(bytes)
      const path = await bench.write(`noise-${length}`, bytes)
      const { inspection, files } = await run(path)
      expect(inspection).toEqual({ mediaType: 'application/octet-stream', kind: 'other', properties: {}, recipes: [] })
      expect(files).toEqual([])
      // The long ones keep the reader busy for seconds, and say no more.
      if (length === 200) await expect(run(path, mediaType)).rejects.toMatchObject({ code: 'invalid-media' })
    }
  },
  60_000,
)

test('two in a thousand random files bear a mark, and none is refused', async () => {
  await using bench = await workbench()
  for (let index = 0; index < 3_000; index++) {
    const path = await bench.write('random', noise(1_000))
    const { mediaType } = await sniffFile(path, 'application/octet-stream')
    expect(mediaType).not.toMatch(/^(audio\/(mpeg|aac)|video)/)
  }
}, 60_000)

test.each([
  ['tone.mp3', ['-c:a', 'libmp3lame', '-b:a', '320k', '-id3v2_version', '0', '-write_id3v1', '0'], 44_100],
  ['vbr.mp3', ['-c:a', 'libmp3lame', '-q:a', '9', '-id3v2_version', '0'], 48_000],
  ['low.mp3', ['-c:a', 'libmp3lame', '-b:a', '8k', '-ac', '1', '-id3v2_version', '0', '-write_xing', '0'], 8_000],
  ['half.mp3', ['-c:a', 'libmp3lame', '-b:a', '64k', '-id3v2_version', '0'], 22_050],
  ['layer2.mp2', ['-c:a', 'mp2', '-b:a', '192k'], 32_000],
  ['layer2-low.mp2', ['-c:a', 'mp2', '-b:a', '64k', '-ac', '1'], 24_000],
  ['tone.aac', ['-c:a', 'aac', '-f', 'adts'], 96_000],
] as const)('%s is known without a name', async (name, codecs, sampleRate) => {
  await using bench = await workbench()
  const path = await bench.film(name, '-f', 'lavfi', '-i', 'sine=d=1', '-ar', String(sampleRate), ...codecs)
  expect((await readFile(path)).subarray(0, 1)).toEqual(Buffer.from([0xff]))
  expect((await run(path)).inspection).toMatchObject({ kind: 'audio', properties: { sampleRate } })
})
