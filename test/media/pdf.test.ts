import { readFile } from 'node:fs/promises'
import { expect, test } from '@jest/globals'
import sharp from 'sharp'
import { letter } from './pdfs.ts'
import { programsOf } from './programs.ts'
import { named, run, workbench } from './workbench.ts'

test('a PDF becomes pictures of its first page, its text, and what it says of itself', async () => {
  await using bench = await workbench()
  const path = await bench.write('letter.pdf', letter())
  const found: { made?: Awaited<ReturnType<typeof run>> } = {}
  const started = await programsOf(async () => (found.made = await run(path, 'application/pdf')))
  expect(started).toHaveLength(1)
  const { inspection, files } = found.made ?? (await run(path))
  expect(inspection).toMatchObject({
    mediaType: 'application/pdf',
    kind: 'document',
    properties: { pages: 2, pageWidthPt: 595, pageHeightPt: 842, title: 'Two hulls', author: 'Léa' },
  })
  expect(inspection.properties['thumbhash']).toMatch(/^[\w+/=]{20,40}$/)
  expect(files.map(({ recipe }) => recipe.name).sort()).toEqual(
    [
      ...['avif', 'webp', 'jpeg'].flatMap((format) => [320, 640, 1280].map((width) => `image-${format}-${width}`)),
      'text',
    ].sort(),
  )
  const text = named(files, 'text')
  expect(text.mediaType).toBe('text/plain; charset=utf-8')
  expect(await readFile(text.path, 'utf8')).toBe('Two hulls\nOne deck (café) exam-\fThe second page\f')
  expect(text.properties).toEqual({ pages: 2, characters: 46 })
  for (const format of ['avif', 'webp', 'jpeg']) {
    const { data, info } = await sharp(named(files, `image-${format}-640`).path)
      .raw()
      .toBuffer({ resolveWithObject: true })
    expect(info).toMatchObject({ width: 640, height: 906, channels: 3 })
    const at = (x: number, y: number): number[] => [...data.subarray((y * 640 + x) * 3, (y * 640 + x) * 3 + 3)]
    expect(at(600, 440).map((value) => Math.round(value / 32) * 32)).toEqual([256, 0, 0])
    expect(at(600, 470).map((value) => Math.round(value / 32) * 32)).toEqual([256, 256, 256])
  }
}, 30_000)
