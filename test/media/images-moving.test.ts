import { randomBytes } from 'node:crypto'
import { expect, test } from '@jest/globals'
import sharp from 'sharp'
import { framesInGif } from '../../shared/media/stated-gif.ts'
import { probeTracks } from '../../shared/media/track-probe.ts'
import { apng, avifSequence, pngChunk } from './moving-pictures.ts'
import { named, run, workbench } from './workbench.ts'

const colours = ['#e02020', '#20c030', '#2030e0', '#f0f0f0', '#101010']

test.each([
  ['APNG', 'image/png', apng],
  ['AVIF', 'image/avif', avifSequence],
] as const)('a moving %s becomes its first frame, and its record says so', async (_, mediaType, write) => {
  await using bench = await workbench()
  const path = await bench.write('moving', await write({ side: 64, colours }))
  const { inspection, files } = await run(path)
  expect(inspection).toMatchObject({
    mediaType,
    properties: {
      width: 64,
      height: 64,
      frames: 5,
      animated: true,
      flattened: true,
      note: expect.stringMatching(/first frame/),
    },
  })
  expect(files.map(({ recipe }) => recipe.name)).toEqual(['image-avif-64', 'image-webp-64', 'image-jpeg-64'])
  const { channels } = await sharp(named(files, 'image-webp-64').path).stats()
  for (const [index, value] of [0xe0, 0x20, 0x20].entries()) {
    expect(Math.abs((channels[index]?.mean ?? -99) - value)).toBeLessThan(8)
  }
})

test('what tells of the frames is found behind a large profile too', async () => {
  await using bench = await workbench()
  const before = [pngChunk('iTXt', Buffer.from(`Comment\0\0\0\0\0${'x'.repeat(200_000)}`))]
  const { inspection } = await run(await bench.write('moving.png', await apng({ side: 16, colours, before })))
  expect(inspection.properties).toMatchObject({ frames: 5, flattened: true })
})

test('the sequence is one that others read too, once it calls itself a film', async () => {
  await using bench = await workbench()
  const bytes = await avifSequence({ side: 64, colours })
  bytes.write('vide', bytes.lastIndexOf('pict', undefined, 'latin1'), 'latin1')
  bytes.write('isom', 8, 'latin1')
  const path = await bench.write('moving.mp4', bytes)
  expect(await probeTracks(path)).toMatchObject({ durationMs: 500, video: { codec: 'av1', width: 64, height: 64 } })
})

test.each(['png', 'avif'] as const)(
  'a %s that does not move says nothing of frames but that it is one',
  async (format) => {
    await using bench = await workbench()
    await sharp({ create: { width: 32, height: 32, channels: 3, background: '#308050' } })
      [format]()
      .toFile(bench.at('still'))
    const { properties } = (await run(bench.at('still'))).inspection
    expect(properties).toMatchObject({ frames: 1 })
    for (const name of ['animated', 'flattened', 'note']) expect(properties).not.toHaveProperty(name)
  },
)

test.each([1, 2, 7])('%i frames of a GIF are counted without looking into them', async (frames) => {
  await using bench = await workbench()
  const [width, height] = [300, 200]
  // Noise, so that they are longer than what is read at once.
  const data = randomBytes(width * height * 3 * frames)
  await sharp(data, { raw: { width, height: height * frames, channels: 3, pageHeight: height } })
    .gif({ effort: 1 })
    .toFile(bench.at('moving.gif'))
  expect(await framesInGif(bench.at('moving.gif'))).toBe(frames)
})

test('the pages of a TIFF are counted, and the first is shown', async () => {
  await using bench = await workbench()
  const [side, pages] = [24, 3]
  await sharp(Buffer.alloc(side * side * pages * 3), {
    raw: { width: side, height: side * pages, channels: 3, pageHeight: side },
  })
    .tiff()
    .toFile(bench.at('scan.tiff'))
  const { properties } = (await run(bench.at('scan.tiff'))).inspection
  expect(properties).toMatchObject({ width: side, height: side, frames: 1, pages })
  expect(properties).not.toHaveProperty('flattened')
})
