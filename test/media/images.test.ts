import { readFile } from 'node:fs/promises'
import { expect, test } from '@jest/globals'
import sharp, { type Sharp } from 'sharp'
import { landscape } from '../../local/samples/landscape.ts'
import { writePhoto } from '../../local/samples/pictures.ts'
import { named, run, workbench } from './workbench.ts'

type Colour = readonly [number, number, number]
const red: Colour = [220, 30, 30]
const green: Colour = [30, 190, 40]
const blue: Colour = [30, 40, 210]
const white: Colour = [250, 250, 250]

/** Red top left, green top right, blue bottom left, white bottom right. */
function quarters(width: number, height: number): Sharp {
  const data = Buffer.alloc(width * height * 3)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const colour = y < height / 2 ? (x < width / 2 ? red : green) : x < width / 2 ? blue : white
      data.set(colour, (y * width + x) * 3)
    }
  }
  return sharp(data, { raw: { width, height, channels: 3 } })
}

/** The colours of the four corners' middles, in reading order. */
async function corners(path: string, page = 0): Promise<Colour[]> {
  const { data, info } = await sharp(path, { page }).removeAlpha().raw().toBuffer({ resolveWithObject: true })
  const at = (fx: number, fy: number): Colour => {
    const index = (Math.floor(info.height * fy) * info.width + Math.floor(info.width * fx)) * info.channels
    return [data[index] ?? 0, data[index + 1] ?? 0, data[index + 2] ?? 0]
  }
  return [at(0.25, 0.25), at(0.75, 0.25), at(0.25, 0.75), at(0.75, 0.75)]
}

function expectColours(found: readonly Colour[], expected: readonly Colour[]): void {
  for (const [index, colour] of expected.entries()) {
    for (const channel of [0, 1, 2] as const) {
      expect(Math.abs((found[index]?.[channel] ?? -999) - colour[channel])).toBeLessThan(16)
    }
  }
}

/** Where the stored quarters are seen: EXIF 2.32, tag 274. */
const seen: Readonly<Record<number, readonly Colour[]>> = {
  1: [red, green, blue, white],
  2: [green, red, white, blue],
  3: [white, blue, green, red],
  4: [blue, white, red, green],
  5: [red, blue, green, white],
  6: [blue, red, white, green],
  7: [white, green, blue, red],
  8: [green, white, red, blue],
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])('orientation %i is applied to every rendition', async (orientation) => {
  await using bench = await workbench()
  const path = bench.at('photo.jpg')
  await quarters(400, 300).withMetadata({ orientation }).jpeg({ quality: 95 }).toFile(path)
  const { inspection, files } = await run(path, 'image/png')
  const [width, height] = orientation >= 5 ? [300, 400] : [400, 300]
  expect(inspection).toMatchObject({
    mediaType: 'image/jpeg',
    kind: 'image',
    properties: { width, height, orientation },
  })
  for (const file of files) {
    expect((await sharp(file.path).metadata()).orientation ?? 1).toBe(1)
    expectColours(await corners(file.path), seen[orientation] ?? [])
  }
})

test('the sample photo: every width and format, upright, without a trace of its place', async () => {
  await using bench = await workbench()
  const photo = bench.at('photo.jpg')
  // Drawn small and enlarged: drawing two million more pixels one by one takes longer than all the rest.
  const { data } = landscape(400, 600)
  const large = sharp(data, { raw: { width: 400, height: 600, channels: 3 } }).resize(2000, 3000)
  await writePhoto({ data: await large.raw().toBuffer(), width: 2000, height: 3000 }, photo)
  const original = await readFile(photo)
  expect(original.includes('Outrigger')).toBe(true)
  expect((await sharp(photo).metadata()).exif).toBeDefined()

  const { inspection, files, workFolder } = await run(photo)
  expect(inspection.properties).toMatchObject({
    width: 2000,
    height: 3000,
    gps: true,
    exif: { make: 'Catamaran', model: 'Outrigger 2', taken: '2026-05-17T19:42:08+02:00' },
  })
  expect(files.map(({ recipe }) => recipe.name).sort()).toEqual(
    ['avif', 'jpeg', 'webp'].flatMap((format) => [1280, 1920, 320, 640].map((width) => `image-${format}-${width}`)),
  )
  for (const file of files) {
    const bytes = await readFile(file.path)
    expect(file.path.startsWith(workFolder)).toBe(true)
    expect(bytes.length).toBe(file.bytes)
    expect(bytes.includes('GPS') || bytes.includes('Outrigger') || bytes.includes('Exif')).toBe(false)
    const header = await sharp(file.path).metadata()
    expect([header.exif, header.xmp, header.iptc]).toEqual([undefined, undefined, undefined])
    expect([header.width, header.height]).toEqual([file.recipe.options.width, file.properties.height])
    expect((header.height * 2) / header.width).toBe(3)
  }
}, 60_000)

test('transparency is kept, and PNG takes the place of JPEG', async () => {
  await using bench = await workbench()
  const path = bench.at('logo.png')
  const data = Buffer.alloc(500 * 400 * 4)
  for (let index = 0; index < 500 * 400; index++) data.set([200, 40, 20, index % 500 < 250 ? 0 : 255], index * 4)
  await sharp(data, { raw: { width: 500, height: 400, channels: 4 } })
    .png()
    .toFile(path)
  const { inspection, files } = await run(path)
  // The invisible black half says nothing of the logo's colour.
  expect(inspection.properties['dominantColour']).toBe('#c82814')
  expect(files.map(({ recipe }) => recipe.name).sort()).toEqual([
    'image-avif-320',
    'image-avif-500',
    'image-png-320',
    'image-png-500',
    'image-webp-320',
    'image-webp-500',
  ])
  for (const file of files) {
    const { data: pixels, info } = await sharp(file.path).raw().toBuffer({ resolveWithObject: true })
    expect(info.channels).toBe(4)
    const alphaAt = (x: number): number => pixels[(Math.floor(info.height / 2) * info.width + x) * 4 + 3] ?? -1
    expect(alphaAt(Math.floor(info.width * 0.2))).toBeLessThan(4)
    expect(alphaAt(Math.floor(info.width * 0.8))).toBeGreaterThan(251)
  }
})

test.each(['gif', 'webp'] as const)('an animated %s keeps its frames, its timing and its shape', async (format) => {
  await using bench = await workbench()
  const path = bench.at('animation')
  const [side, frames] = [200, 5]
  const data = Buffer.concat(Array.from({ length: frames }, (_, frame) => Buffer.alloc(side * side * 3, frame * 50)))
  const delay = [40, 60, 80, 100, 120]
  await sharp(data, { raw: { width: side, height: side * frames, channels: 3, pageHeight: side } })
    [format]({ loop: 2, delay })
    .toFile(path)
  const { inspection, files } = await run(path)
  expect(inspection.properties).toMatchObject({ frames, animated: true, durationMs: 400, width: side, height: side })
  const moving = await sharp(named(files, 'animation-webp-200').path, { animated: true }).metadata()
  expect(moving).toMatchObject({ pages: frames, delay, loop: 2, width: side, pageHeight: side })
  const last = await sharp(named(files, 'animation-webp-200').path, { page: frames - 1 })
    .raw()
    .toBuffer()
  expect(Math.abs((last[0] ?? 0) - 200)).toBeLessThan(8)
  expect(await sharp(named(files, 'poster').path).metadata()).toMatchObject({
    format: 'png',
    width: side,
    height: side,
  })
})

test('colours of a wide-gamut photo are converted, not reinterpreted', async () => {
  await using bench = await workbench()
  const path = bench.at('p3.jpg')
  await quarters(200, 200).withIccProfile('p3').jpeg({ quality: 98, chromaSubsampling: '4:4:4' }).toFile(path)
  expect((await sharp(path).metadata()).icc).toBeDefined()
  const { files } = await run(path)
  for (const file of files) expectColours(await corners(file.path), seen[1] ?? [])
})

test.each([
  [1, 1],
  [37, 20_000],
  [100, 40],
])('a picture of %i x %i gets one width, never a larger one', async (width, height) => {
  await using bench = await workbench()
  const path = bench.at('small.png')
  await sharp({ create: { width, height, channels: 3, background: '#308050' } })
    .png()
    .toFile(path)
  const { files } = await run(path)
  expect(files).toHaveLength(3)
  for (const file of files) {
    const header = await sharp(file.path).metadata()
    expect(header.width).toBeLessThanOrEqual(width)
    expect(header.height).toBeLessThanOrEqual(16_383)
  }
})

test('16 bits, grey and TIFF come out as 8-bit colour', async () => {
  await using bench = await workbench()
  const grey = bench.at('grey.png')
  await quarters(64, 64).greyscale().toColourspace('grey16').png().toFile(grey)
  const tiff = bench.at('scan.tiff')
  await quarters(64, 64).tiff().toFile(tiff)
  expect((await run(grey)).files).toHaveLength(3)
  const { inspection, files } = await run(tiff)
  expect(inspection.mediaType).toBe('image/tiff')
  expectColours(await corners(named(files, 'image-webp-64').path), seen[1] ?? [])
})
