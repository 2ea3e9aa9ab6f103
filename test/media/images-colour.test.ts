import { writeFile } from 'node:fs/promises'
import { crc32, deflateSync } from 'node:zlib'
import { expect, test } from '@jest/globals'
import sharp, { type Sharp } from 'sharp'
import { isWideGamut } from '../../shared/media/icc.ts'
import { named, run, workbench, type Workbench } from './workbench.ts'

const side = 200

/** One colour, given in the numbers of the picture's own profile. */
const plain = (colour: readonly [number, number, number]) =>
  sharp(Buffer.from(Array.from({ length: side * side }, () => colour).flat()), {
    raw: { width: side, height: side, channels: 3 },
  })

async function middle(path: string): Promise<number[]> {
  const { data, info } = await sharp(path, { ignoreIcc: true }).raw().toBuffer({ resolveWithObject: true })
  const at = (Math.floor(info.height / 2) * info.width + Math.floor(info.width / 2)) * info.channels
  return [...data.subarray(at, at + 3)]
}

test('a Display P3 photo keeps its numbers and its profile in every rendition', async () => {
  await using bench = await workbench()
  const path = bench.at('p3.jpg')
  // Written as sRGB's own red and then widened: 100 % of P3's red lies outside sRGB.
  await plain([255, 0, 0]).withIccProfile('p3').jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toFile(path)
  const original = await sharp(path).metadata()
  const asStored = await middle(path)
  expect(asStored[0]).toBeLessThan(245)
  const { inspection, files } = await run(path)
  expect(inspection.properties['wideGamut']).toBe(true)
  expect(files).toHaveLength(3)
  for (const file of files) {
    const header = await sharp(file.path).metadata()
    expect([file.recipe.name, isWideGamut(header.icc)]).toEqual([file.recipe.name, true])
    expect(header.icc?.equals(original.icc ?? Buffer.alloc(0))).toBe(true)
    expect([header.exif, header.xmp, header.depth]).toEqual([undefined, undefined, 'uchar'])
    const found = await middle(file.path)
    for (const channel of [0, 1, 2]) {
      expect(Math.abs((found[channel] ?? 999) - (asStored[channel] ?? 0))).toBeLessThan(6)
    }
  }
})

/** The profile of Display P3, as a file carries it. */
async function profileOfP3(bench: Workbench): Promise<Buffer> {
  await plain([1, 2, 3]).withIccProfile('p3').png().toFile(bench.at('profile.png'))
  return (await sharp(bench.at('profile.png')).metadata()).icc ?? Buffer.alloc(0)
}

/** A PNG whose numbers are those of the profile: an iCCP chunk (PNG 3, 11.3.2.3) goes before the first IDAT. */
async function writeWithProfile(path: string, image: Sharp, icc: Buffer): Promise<void> {
  const png = await image.png().toBuffer()
  const body = Buffer.concat([Buffer.from('iCCPp3\0\0', 'latin1'), deflateSync(icc)])
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(body.length - 4)
  check.writeUInt32BE(crc32(body))
  const at = png.indexOf('IDAT', 0, 'latin1') - 4
  await writeFile(path, Buffer.concat([png.subarray(0, at), length, body, check, png.subarray(at)]))
}

test('a colour that sRGB does not have survives', async () => {
  await using bench = await workbench()
  const path = bench.at('green.png')
  await writeWithProfile(path, plain([0, 255, 0]), await profileOfP3(bench))
  const { files } = await run(path)
  const webp = named(files, 'image-webp-200').path
  const [red = 255, green = 0] = await middle(webp)
  expect([red < 12, green > 243]).toEqual([true, true])
  expect(isWideGamut((await sharp(webp).metadata()).icc)).toBe(true)
})

test('16 bits of Display P3 come out as 8 bits of it', async () => {
  await using bench = await workbench()
  const path = bench.at('deep.png')
  await plain([40, 120, 220]).toColourspace('rgb16').withIccProfile('p3').png().toFile(path)
  const stored = await sharp(path).metadata()
  expect(stored.depth).toBe('ushort')
  const { files } = await run(path)
  for (const file of files) {
    const header = await sharp(file.path).metadata()
    expect([header.depth, isWideGamut(header.icc)]).toEqual(['uchar', true])
    const [red = 0, green = 0, blue = 0] = await middle(file.path)
    expect(red).toBeGreaterThan(50)
    expect([Math.abs(green - 118) < 14, blue > 200]).toEqual([true, true])
  }
})

test('CMYK is converted to sRGB, without its profile', async () => {
  await using bench = await workbench()
  const path = bench.at('print.jpg')
  await plain([30, 160, 60]).toColourspace('cmyk').jpeg({ quality: 95 }).toFile(path)
  expect(await sharp(path).metadata()).toMatchObject({ channels: 4, space: 'cmyk' })
  const { inspection, files } = await run(path)
  expect(inspection.properties).toMatchObject({ hasAlpha: false })
  for (const file of files) {
    const header = await sharp(file.path).metadata()
    expect([header.space, header.icc]).toEqual(['srgb', undefined])
    const [red = 255, green = 0, blue = 255] = await middle(file.path)
    expect([green > red + 60, green > blue + 60]).toEqual([true, true])
  }
})

test('a profile that lies or is damaged makes nothing wide', async () => {
  await using bench = await workbench()
  const p3 = await profileOfP3(bench)
  expect(isWideGamut(p3)).toBe(true)
  for (let length = 0; length < p3.length; length += 7) isWideGamut(p3.subarray(0, length))
  for (let at = 0; at < p3.length; at++) {
    const damaged = Buffer.from(p3)
    damaged[at] = 255
    isWideGamut(damaged)
  }
  expect(isWideGamut(Buffer.concat([p3, Buffer.alloc(64 * 1024)]))).toBe(false)
  expect(isWideGamut(undefined)).toBe(false)
})
