import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { expect, test } from '@jest/globals'
import { makeSamples } from '../../local/samples/make.ts'
import { writeLogo } from '../../local/samples/pictures.ts'
import { writeVoice } from '../../local/samples/sound.ts'
import { writeCities } from '../../local/samples/tables.ts'
import { converter, ffmpegPath, never, workbench } from './workbench.ts'

test('the samples are what they say, are made once, and are large enough to be sent in parts', async () => {
  await using bench = await workbench()
  const samples = await makeSamples(bench.folder, { ffmpeg: ffmpegPath })
  expect(await readdir(bench.folder)).toHaveLength(1)
  for (const { file, mediaType } of samples) {
    const bytes = (await stat(file)).size
    const inspection = await converter.inspect({ path: file, mediaType: '', bytes }, never())
    expect(inspection.mediaType).toBe(mediaType)
    expect(inspection.recipes.length).toBeGreaterThan(1)
    if (mediaType === 'video/mp4') {
      expect(bytes).toBeGreaterThan(8 * 1024 ** 2)
      expect(inspection.properties).toMatchObject({ width: 1920, height: 1080, hasAudio: true, durationMs: 6000 })
    }
  }
  const start = performance.now()
  expect(await makeSamples(bench.folder, { ffmpeg: ffmpegPath })).toEqual(samples)
  expect(performance.now() - start).toBeLessThan(100)
}, 300_000)

test('the same sample comes out the same every time', async () => {
  await using bench = await workbench()
  const digest = async (path: string): Promise<string> =>
    createHash('sha256')
      .update(await readFile(path))
      .digest('hex')
  for (const make of [writeLogo, writeVoice, writeCities]) {
    await make(bench.at('one'))
    await make(bench.at('two'))
    expect(await digest(bench.at('one'))).toBe(await digest(bench.at('two')))
  }
}, 120_000)
