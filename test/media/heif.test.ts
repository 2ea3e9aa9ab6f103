import { readFile, stat, writeFile } from 'node:fs/promises'
import { expect, test } from '@jest/globals'
import sharp from 'sharp'
import { mediaConverter } from '../../shared/media/converter.ts'
import { findHeifDecoder } from '../../shared/media/heif-path.ts'
import { isWideGamut } from '../../shared/media/icc.ts'
import { profileOfPrimaries } from '../../shared/media/made-profile.ts'
import { sniffFile } from '../../shared/media/sniff.ts'
import { coloured, heif, hevcPicture, mirrored, profiled, turned, type HevcPicture } from './heifs.ts'
import { programsOf } from './programs.ts'
import { converter, named, never, run, workbench, type Workbench } from './workbench.ts'

const size = { width: 96, height: 64 }

/** Red, green, blue and white, from left to right and from top to bottom. */
const quarters = 'color=red:s=48x32[r];color=lime:s=48x32[g];color=blue:s=48x32[b];color=white:s=48x32[w];'
const flag = `${quarters}[r][g]hstack[t];[b][w]hstack[u];[t][u]vstack`
const flagPicture = (bench: Workbench, format?: string): Promise<HevcPicture> =>
  hevcPicture(bench, ['-f', 'lavfi', '-i', flag], { ...size, ...(format !== undefined && { format }) })

/** The names of the colours in the middle of the four quarters. */
async function quartersOf(path: string): Promise<string> {
  const { data, info } = await sharp(path).removeAlpha().raw().toBuffer({ resolveWithObject: true })
  const at = (x: number, y: number): string => {
    const place = (Math.floor(y * info.height) * info.width + Math.floor(x * info.width)) * 3
    const isHigh = [...data.subarray(place, place + 3)]
      .map((value) => (value > 180 ? '1' : value < 75 ? '0' : '?'))
      .join('')
    return { '100': 'red', '010': 'green', '001': 'blue', '111': 'white' }[isHigh] ?? isHigh
  }
  return [at(0.25, 0.25), at(0.75, 0.25), at(0.25, 0.75), at(0.75, 0.75)].join(' ')
}

const camera = {
  IFD0: { Make: 'Catamaran', Model: 'Outrigger 2', Orientation: '6' },
  IFD2: { DateTimeOriginal: '2026:05:17 19:42:08' },
  IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '46/1 42/1 1180/100', GPSLongitudeRef: 'E', GPSLongitude: '8/1 11/1 0/1' },
}
const xmp = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title><rdf:Alt><rdf:li xml:lang="x-default">Hafen</rdf:li>
</rdf:Alt></dc:title></rdf:Description></rdf:RDF></x:xmpmeta>`

/** What a camera writes into a picture, and the profile of Display P3. */
async function written(bench: Workbench): Promise<{ exif: Buffer; icc: Buffer }> {
  const blank = sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
  await blank.withExif(camera).withIccProfile('p3').jpeg().toFile(bench.at('blank'))
  const { exif, icc } = await sharp(bench.at('blank')).metadata()
  if (!exif || !icc) throw new Error('sharp wrote no metadata')
  return { exif: exif.subarray(6), icc }
}

test('a photo of a phone becomes renditions: turned by its own properties, in its colours, without its place', async () => {
  await using bench = await workbench()
  const { exif, icc } = await written(bench)
  const picture = await flagPicture(bench)
  const path = await bench.write('photo', heif([picture], { exif, xmp, properties: [profiled(icc), turned(1)] }))
  const { inspection, files } = await run(path, 'image/jpeg')
  expect(inspection).toMatchObject({
    mediaType: 'image/heic',
    kind: 'image',
    properties: {
      width: 64,
      height: 96,
      hasAlpha: false,
      frames: 1,
      wideGamut: true,
      gps: true,
      exif: { make: 'Catamaran', model: 'Outrigger 2', taken: '2026-05-17T19:42:08' },
      description: { title: 'Hafen' },
      location: { latitude: 46.7032778 },
      thumbhash: expect.stringMatching(/^[\w+/]{10,}=*$/),
    },
  })
  expect(files.map(({ mediaType }) => mediaType).sort()).toEqual(['image/avif', 'image/jpeg', 'image/webp'])
  for (const file of files) {
    expect(file.properties).toMatchObject({ width: 64, height: 96 })
    expect(await quartersOf(file.path)).toBe('green white red blue')
    const header = await sharp(file.path).metadata()
    expect([header.exif, header.xmp, isWideGamut(header.icc)]).toEqual([undefined, undefined, true])
    expect((await readFile(file.path)).toString('latin1')).not.toMatch(/GPS|Outrigger|Hafen|xmpmeta/)
  }
})

test('a picture is mirrored, then turned, as its properties stand', async () => {
  await using bench = await workbench()
  const properties = [mirrored(0), turned(1)]
  const path = await bench.write('photo', heif([await flagPicture(bench)], { properties }))
  const source = { path, mediaType: 'image/heic', bytes: (await stat(path)).size }
  const recipe = { name: 'small', version: 1, options: { format: 'png', width: 96 } }
  const inspection = { mediaType: 'image/heic', kind: 'image', properties: {}, recipes: [recipe] } as const
  const files = await converter.convert(source, inspection, { workFolder: bench.folder, signal: never() })
  expect(await quartersOf(named(files, 'small').path)).toBe('white green blue red')
})

test('tiles are put together, and ten bits a colour become eight', async () => {
  await using bench = await workbench()
  const picture = await flagPicture(bench, 'yuv420p10le')
  const tiles = Array.from({ length: 6 }, () => picture)
  const path = await bench.write('photo', heif(tiles, { major: 'heix', brands: 'mif1heix', columns: 3 }))
  const { inspection, files } = await run(path)
  expect(inspection.properties).toMatchObject({ width: 288, height: 128 })
  const first = sharp(named(files, 'image-webp-288').path).extract({ left: 96, top: 64, ...size })
  expect(await quartersOf((await first.toFile(bench.at('tile.png')), bench.at('tile.png')))).toBe(
    'red green blue white',
  )
})

test('colours that are told by numbers alone keep their gamut, and high dynamic range is drawn in', async () => {
  await using bench = await workbench()
  // 58 % of PQ is white paper; what is brighter comes out brighter still, and nothing is cut off.
  const greys = 'color=#949494:s=48x64[a];color=#d0d0d0:s=48x64[b];[a][b]hstack'
  const picture = await hevcPicture(bench, ['-f', 'lavfi', '-i', greys], { ...size, format: 'yuv420p10le' })
  const path = await bench.write('photo', heif([picture], { properties: [coloured(9, 16, 6)] }))
  const { inspection, files } = await run(path)
  expect(inspection.properties).toMatchObject({ wideGamut: true, hdr: 'pq', toneMapped: true })
  const made = named(files, 'image-jpeg-96').path
  const [paper, bright] = [24, 72]
  const { data } = await sharp(made).raw().toBuffer({ resolveWithObject: true })
  const at = (x: number): number => data[(32 * 96 + x) * 3] ?? 0
  expect(at(paper)).toBeGreaterThan(235)
  expect(at(paper)).toBeLessThan(250)
  expect(at(bright)).toBeGreaterThan(at(paper) + 4)
  const { icc } = await sharp(made).metadata()
  expect([isWideGamut(icc), icc?.equals(profileOfPrimaries(9) ?? Buffer.alloc(0))]).toEqual([true, true])
})

test('the profile that is made of numbers is the one that libvips has', async () => {
  await using bench = await workbench()
  const red = sharp({ create: { width: 8, height: 8, channels: 3, background: '#c04020' } })
  const [known, made] = [bench.at('known.png'), bench.at('made.png')]
  await writeFile(bench.at('p3.icc'), profileOfPrimaries(12) ?? '')
  await red.clone().withIccProfile('p3').png().toFile(known)
  await red.clone().withIccProfile(bench.at('p3.icc')).png().toFile(made)
  const [first, second] = await Promise.all(
    [known, made].map((each) => sharp(each, { ignoreIcc: true }).raw().toBuffer()),
  )
  expect(first?.[0]).toBeLessThan(0xc0)
  for (const channel of [0, 1, 2]) {
    expect(Math.abs((first?.[channel] ?? 999) - (second?.[channel] ?? 0))).toBeLessThan(2)
  }
})

test('a HEIC may be the watermark of another one', async () => {
  await using bench = await workbench()
  const photo = heif([await hevcPicture(bench, ['-f', 'lavfi', '-i', 'color=black:s=96x64'], size)])
  const path = await bench.write('photo', photo)
  await bench.write('watermark', heif([await hevcPicture(bench, ['-f', 'lavfi', '-i', 'color=white:s=96x64'], size)]))
  const watermark = { mediaType: 'image/heic', share: 0.5, opacity: 1, position: 'northwest' }
  const recipe = { name: 'marked', version: 1, options: { format: 'png', width: 96, watermark } }
  const inspection = { mediaType: 'image/heic', kind: 'image', properties: {}, recipes: [recipe] } as const
  const source = { path, mediaType: 'image/heic', bytes: photo.length }
  const [marked] = await converter.convert(source, inspection, { workFolder: bench.folder, signal: never() })
  const { data } = await sharp(marked?.path).removeAlpha().raw().toBuffer({ resolveWithObject: true })
  expect(data[(12 * 96 + 16) * 3]).toBeGreaterThan(230)
  expect(data[(60 * 96 + 90) * 3]).toBeLessThan(20)
})

test('without a decoder it is stored as it is, and no program is started', async () => {
  await using bench = await workbench()
  const path = await bench.write('photo', heif([await flagPicture(bench)]))
  const bare = mediaConverter({ ffmpeg: undefined })
  const started = await programsOf(async () => {
    const { inspection, files } = await run(path, undefined, bare)
    expect(inspection).toEqual({
      mediaType: 'image/heic',
      kind: 'image',
      properties: { note: expect.stringContaining('No decoder') },
      recipes: [],
    })
    expect(files).toEqual([])
  })
  expect(started).toEqual([])
  expect(findHeifDecoder()).toMatch(/libheif/)
})

test.each([0.05, 0.9])('cut off after %d of it, it is refused', async (share) => {
  await using bench = await workbench()
  const whole = heif([await flagPicture(bench)])
  const path = await bench.write('photo', whole.subarray(0, whole.length * share))
  await expect(run(path, 'image/heic')).rejects.toMatchObject({ code: 'invalid-media' })
})

test('a picture that is larger than it says is refused', async () => {
  await using bench = await workbench()
  const picture = await flagPicture(bench)
  const path = await bench.write('photo', heif([picture], { stated: { width: 32, height: 16 } }))
  await expect(run(path)).rejects.toMatchObject({ code: 'invalid-media' })
})

test('who breaks it off ends the process that decodes', async () => {
  await using bench = await workbench()
  const tile = await hevcPicture(bench, ['-f', 'lavfi', '-i', 'testsrc2=s=512x512'], { width: 512, height: 512 })
  const large = heif(
    Array.from({ length: 64 }, () => tile),
    { columns: 8 },
  )
  const source = { path: await bench.write('photo', large), mediaType: 'image/heic', bytes: large.length }
  const stopping = new AbortController()
  const work = converter.inspect(source, stopping.signal)
  setTimeout(() => stopping.abort(new Error('enough')), 150)
  await expect(work).rejects.toThrow('enough')
})

const beginning = (major: string, brands: string): Buffer => {
  const box = Buffer.from(`\0\0\0\0ftyp${major}\0\0\0\0${brands}`, 'latin1')
  box.writeUInt32BE(box.length)
  return Buffer.concat([box, Buffer.alloc(64)])
}

test.each([
  ['heic', 'mif1heic', 'image/heic'],
  ['heix', 'mif1heix', 'image/heic'],
  ['mif1', 'mif1heicmiaf', 'image/heic'],
  ['msf1', 'msf1heicmif1', 'image/heic'],
  ['mif1', 'mif1avifmiaf', 'image/avif'],
  ['mif1', 'mif1unif', 'image/heif'],
  ['msf1', 'msf1iso8', 'image/heif-sequence'],
  ['hevc', 'msf1hevc', 'image/heic-sequence'],
  ['avif', 'mif1avif', 'image/avif'],
  ['isom', 'isomheic', 'video/mp4'],
])('a file of brand %s beside %s is %s', async (major, brands, mediaType) => {
  await using bench = await workbench()
  expect(await sniffFile(await bench.write('file', beginning(major, brands)), '')).toEqual({ mediaType })
})

test.each([
  ['hevc', 'msf1hevc', 'image/heic-sequence'],
  ['msf1', 'msf1iso8', 'image/heif-sequence'],
])('a sequence of brand %s beside %s is kept as it is, and says so', async (major, brands, mediaType) => {
  await using bench = await workbench()
  const { inspection, files } = await run(await bench.write('sequence', beginning(major, brands)))
  const properties = { note: expect.stringContaining('a sequence') }
  expect(inspection).toEqual({ mediaType, kind: 'image', properties, recipes: [] })
  expect(files).toEqual([])
})
