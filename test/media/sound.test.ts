import { readFile } from 'node:fs/promises'
import { expect, test } from '@jest/globals'
import { expectFastStart } from './fast-start.ts'
import { named, run, workbench } from './workbench.ts'

test.each([
  ['tone.wav', ['-c:a', 'pcm_s16le'], 'audio/wav'],
  ['tone.mp3', ['-c:a', 'libmp3lame'], 'audio/mpeg'],
  ['tone.flac', ['-c:a', 'flac'], 'audio/flac'],
  ['tone.ogg', ['-c:a', 'libvorbis'], 'audio/ogg'],
  ['tone.m4a', ['-c:a', 'aac'], 'audio/mp4'],
  ['tone.mp4', ['-c:a', 'aac'], 'audio/mp4'],
  ['tone.aac', ['-c:a', 'aac', '-f', 'adts'], 'audio/aac'],
  ['tone.aiff', ['-c:a', 'pcm_s16be'], 'audio/aiff'],
] as const)(
  '%s becomes AAC and a waveform',
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
    const wave = JSON.parse(await readFile(named(files, 'waveform').path, 'utf8'))
    expect(wave).toMatchObject({ version: 2, channels: 1, bits: 8, sample_rate: 8000 })
    expect(wave.data).toHaveLength(wave.length * 2)
    const loudest = (from: number, to: number): number =>
      Math.max(...wave.data.slice(Math.floor(from * wave.data.length), Math.floor(to * wave.data.length)).map(Math.abs))
    expect(loudest(0.05, 0.45)).toBeLessThan(6)
    expect(loudest(0.55, 0.95)).toBeGreaterThan(60)
  },
  60_000,
)
