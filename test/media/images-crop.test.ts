import { mkdir } from 'node:fs/promises'
import { expect, test } from '@jest/globals'
import sharp from 'sharp'
import { pictureOf, wishOptions } from '../../shared/core/image-wish.ts'
import { withPolicy } from '../../shared/core/policy-recipes.ts'
import { imagePolicyDefault } from '../../shared/domain/image-policy.ts'
import { imageRecipeVersion } from '../../shared/media/image-recipe.ts'
import type { Inspection } from '../../shared/ports/media-converter.ts'
import { converter, never, run, workbench } from './workbench.ts'

const [long, short, patch, square] = [720, 240, 100, 10]

/** Grey, but for a chequered patch in the middle of one edge. */
async function withPatch(path: string, edge: 'left' | 'right' | 'top' | 'bottom'): Promise<string> {
  const isWide = edge === 'left' || edge === 'right'
  const [width, height] = isWide ? [long, short] : [short, long]
  const along = edge === 'left' || edge === 'top' ? 0 : long - patch
  const across = (short - patch) / 2
  const [left, top] = isWide ? [along, across] : [across, along]
  const data = Buffer.alloc(width * height * 3, 128)
  for (let y = 0; y < patch; y++) {
    for (let x = 0; x < patch; x++) {
      const isDark = (Math.floor(x / square) + Math.floor(y / square)) % 2 === 0
      data.set(isDark ? [20, 60, 90] : [240, 150, 40], ((top + y) * width + left + x) * 3)
    }
  }
  await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(path)
  return path
}

/** How much of the patch is in a picture that shows it at its own size, 0 to 1. */
async function shareOfPatch(path: string): Promise<number> {
  const { data, info } = await sharp(path).raw().toBuffer({ resolveWithObject: true })
  expect([info.width, info.height]).toEqual([short, short])
  let coloured = 0
  for (let at = 0; at < data.length; at += info.channels) {
    if (Math.abs((data[at] ?? 0) - (data[at + 2] ?? 0)) > 40) coloured++
  }
  return coloured / patch ** 2
}

const edges = ['left', 'right', 'top', 'bottom'] as const
const params = { w: short, h: short, format: 'png' } as const

test.each(edges)(
  'a smart crop keeps what the eye goes to, at the %s edge, and one of the middle does not',
  async (edge) => {
    await using bench = await workbench()
    const path = await withPatch(bench.at('picture.png'), edge)
    const { inspection } = await run(path)
    const presets = { clever: { ...params, crop: 'smart' }, plain: { ...params, crop: 'centre' } } as const
    const byPolicy = withPolicy(inspection, {
      ...imagePolicyDefault,
      widths: [],
      presets,
      prepare: ['clever', 'plain'],
    })
    const byUrl = (['smart', 'centre'] as const).map((crop) => ({
      name: `variant-${crop}`,
      version: imageRecipeVersion,
      options: wishOptions({ ...params, crop }, 'png', pictureOf(inspection.properties)),
    }))
    for (const recipes of [byPolicy.recipes, byUrl]) {
      const [smart, centre] = await convertedPaths(
        path,
        { ...inspection, recipes },
        bench.at(recipes === byUrl ? 'url' : 'policy'),
      )
      expect(await shareOfPatch(smart ?? '')).toBeGreaterThan(0.95)
      expect(await shareOfPatch(centre ?? '')).toBe(0)
    }
  },
)

async function convertedPaths(path: string, inspection: Inspection, workFolder: string): Promise<string[]> {
  await mkdir(workFolder)
  const source = { path, mediaType: 'image/png', bytes: 1 }
  const files = await converter.convert(source, inspection, { workFolder, signal: never() })
  return files.map((file) => file.path)
}
