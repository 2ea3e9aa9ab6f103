import { expect, test } from '@jest/globals'
import type { AssetBody } from '../../shared/domain/asset.ts'
import { imagePolicyDefault, type ImagePolicy } from '../../shared/domain/image-policy.ts'
import { applyImagePolicy, imagePolicyKey, imagePolicyOf } from '../../shared/core/image-policy.ts'
import { withPolicy } from '../../shared/core/policy-recipes.ts'
import { writeRecord } from '../../shared/core/records.ts'
import { wishOf } from '../../shared/media/image-recipe.ts'
import { animationRecipes, stillRecipes } from '../../shared/media/image-recipes.ts'
import type { Inspection } from '../../shared/ports/media-converter.ts'
import { twoSites } from './two-sites.ts'

const photo: Inspection = {
  mediaType: 'image/jpeg',
  kind: 'image',
  properties: { width: 1000, height: 500, hasAlpha: false, gps: true, location: { latitude: 1, longitude: 2 } },
  recipes: stillRecipes(1000, 500, false),
}
const animation: Inspection = {
  mediaType: 'image/gif',
  kind: 'image',
  properties: { width: 400, height: 300, hasAlpha: false, animated: true },
  recipes: animationRecipes(400, 300),
}
const policy = (change: Partial<ImagePolicy>): ImagePolicy => ({ ...imagePolicyDefault, ...change })
const names = ({ recipes }: Inspection): string[] => recipes.map(({ name }) => name)

test('without a policy all is as it was, but for the place', () => {
  const { properties, ...rest } = withPolicy(photo, imagePolicyDefault)
  expect(rest).toEqual({ mediaType: 'image/jpeg', kind: 'image', recipes: photo.recipes })
  expect(properties).toEqual({ width: 1000, height: 500, hasAlpha: false, gps: true })
  expect(withPolicy(photo, policy({ location: 'show' })).properties['location']).toEqual({ latitude: 1, longitude: 2 })
})

test('widths, presets and formats are those of the policy', () => {
  const presets = { thumb: { w: 200, h: 200, crop: 'smart' as const }, marked: { w: 300, watermark: 'logo' } }
  const shown = withPolicy(photo, policy({ widths: [400, 2000], presets, prepare: ['thumb', 'marked'] }))
  expect(names(shown)).toEqual([
    ...[400, 1000].flatMap((width) => ['avif', 'webp', 'jpeg'].map((format) => `image-${format}-${width}`)),
    ...['avif', 'webp', 'jpeg'].map((format) => expect.stringMatching(`^preset-thumb-${format}-[0-9a-z]{8}$`)),
  ])
  const thumb = shown.recipes.find(({ name }) => name.startsWith('preset-thumb-webp'))
  expect(thumb && wishOf(thumb)).toEqual({
    format: 'webp',
    width: 200,
    height: 200,
    fit: 'cover',
    crop: 'smart',
    animated: false,
  })
  expect(names(withPolicy(photo, policy({ widths: [] })))).toEqual([])
  const changed = withPolicy(photo, policy({ widths: [], presets: { thumb: { w: 201, h: 200 } }, prepare: ['thumb'] }))
  expect(names(changed).some((name) => names(shown).includes(name))).toBe(false)
})

test('an animation is kept, or deliberately made still', () => {
  const presets = { small: { w: 100 }, blurred: { w: 100, blur: 5, format: 'webp' as const } }
  const kept = withPolicy(animation, policy({ presets, prepare: ['small', 'blurred'] }))
  expect(names(kept).slice(0, 3)).toEqual(names(animation))
  expect(kept.recipes.slice(3).map((recipe) => [wishOf(recipe).format, wishOf(recipe).animated])).toEqual([
    ['avif', false],
    ['webp', true],
    ['jpeg', false],
    ['webp', false],
  ])
  const still = withPolicy(animation, policy({ animation: 'still' }))
  expect(still.properties['flattened']).toBe(true)
  expect(names(still)).toEqual(names({ ...photo, recipes: stillRecipes(400, 300, false) }))
})

test('what has no recipes gets none', () => {
  const stored = { ...photo, recipes: [] }
  expect(withPolicy(stored, policy({ presets: { a: { w: 9 } }, prepare: ['a'] })).recipes).toEqual([])
})

test("the label names the policy; without one it is the tenant's default", async () => {
  const { aws } = twoSites()
  const { services } = aws
  const put = (name: string, body: Partial<ImagePolicy>) =>
    writeRecord(services, imagePolicyKey('t1', name), { precondition: { kind: 'none' } }, () => policy(body))
  const labelled = (collection?: string): AssetBody => ({
    name: 'a',
    mediaType: 'image/png',
    labels: collection === undefined ? {} : { collection },
    source: { kind: 'upload' },
  })
  expect(await imagePolicyOf(services, 't1', labelled())).toEqual(imagePolicyDefault)
  await put('default', { location: 'show' })
  await put('shop', { widths: [100] })
  expect((await imagePolicyOf(services, 't1', labelled())).location).toBe('show')
  expect((await imagePolicyOf(services, 't1', labelled('shop'))).widths).toEqual([100])
  for (const unknown of ['blog', 'No such/name', '']) {
    expect((await imagePolicyOf(services, 't1', labelled(unknown))).location).toBe('show')
  }
  expect(await imagePolicyOf(services, 't2', labelled('shop'))).toEqual(imagePolicyDefault)
})

test('presets are prepared of documents that have a picture, which keep all else', async () => {
  const { services } = twoSites().aws
  const presets = { thumb: { w: 20, format: 'webp' as const } }
  const body = policy({ presets, prepare: ['thumb'], widths: [100] })
  await writeRecord(services, imagePolicyKey('t1', 'default'), { precondition: { kind: 'none' } }, () => body)
  const text = { name: 'text', version: 1, options: {} }
  const stored = { mediaType: 'application/pdf', kind: 'document', recipes: [text] } as const
  const key = { tenant: 't1', asset: 'a' }
  const made = await applyImagePolicy(services, key, { ...stored, properties: { thumbhash: 'x' } })
  expect(names(made)).toEqual(['text', expect.stringMatching(/^preset-thumb-webp-/)])
  expect(names(await applyImagePolicy(services, key, { ...stored, properties: {} }))).toEqual(['text'])
})
