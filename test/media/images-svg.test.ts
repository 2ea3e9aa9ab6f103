import { once } from 'node:events'
import { mkdir, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from '@jest/globals'
import sharp from 'sharp'
import { cleanSvg } from '../../shared/media/svg-markup.ts'
import { converter, named, never, run, workbench } from './workbench.ts'

const svg = (inside: string, attributes = 'viewBox="0 0 40 20"'): string =>
  `<?xml version="1.0"?><!-- made by hand --><svg xmlns="http://www.w3.org/2000/svg" ${attributes}>${inside}</svg>`

const clean = (text: string): string => cleanSvg(text, (root) => root.attributes)

/** Draws one PNG alone: what is drawn is looked at here, and not how it is encoded. */
async function draw(path: string, width = 320): Promise<string> {
  const source = { path, mediaType: 'image/svg+xml', bytes: (await stat(path)).size }
  const recipe = { name: 'drawn', version: 1, options: { format: 'png', width } }
  const inspection = { mediaType: 'image/svg+xml', kind: 'image', properties: {}, recipes: [recipe] } as const
  const workFolder = `${path}-work`
  await mkdir(workFolder)
  return named(await converter.convert(source, inspection, { workFolder, signal: never() }), 'drawn').path
}

async function pixel(path: string, fx: number, fy: number): Promise<number[]> {
  const { data, info } = await sharp(path).raw().toBuffer({ resolveWithObject: true })
  const at = (Math.floor(info.height * fy) * info.width + Math.floor(info.width * fx)) * info.channels
  return [...data.subarray(at, at + info.channels)]
}

test('a drawing is drawn at every width, sharp and with its transparency', async () => {
  await using bench = await workbench()
  const text = svg('<rect width="20" height="20" fill="#c02040"/><circle cx="30" cy="10" r="6" style="fill: #20a040"/>')
  const { inspection, files } = await run(await bench.write('drawing.svg', text), 'image/svg+xml')
  expect(inspection).toMatchObject({
    mediaType: 'image/svg+xml',
    kind: 'image',
    properties: { width: 40, height: 20, vector: true, hasAlpha: true },
  })
  expect(inspection.properties['thumbhash']).toMatch(/^[\w+/]{20,}=*$/)
  expect(files.map(({ recipe }) => recipe.name).sort()).toEqual(
    ['avif', 'png', 'webp'].flatMap((format) => [1280, 320, 640].map((width) => `image-${format}-${width}`)),
  )
  for (const file of files) {
    expect(await sharp(file.path).metadata()).toMatchObject({ width: file.recipe.options['width'], hasAlpha: true })
    expect((await pixel(file.path, 0.55, 0.05))[3]).toBeLessThan(10)
  }
  const large = named(files, 'image-png-1280').path
  expect(await pixel(large, 0.25, 0.5)).toEqual([0xc0, 0x20, 0x40, 255])
  expect(await pixel(large, 0.75, 0.5)).toEqual([0x20, 0xa0, 0x40, 255])
  // An edge enlarged from a small picture would be wide and soft.
  const [before, after] = [await pixel(large, 0.498, 0.5), await pixel(large, 0.502, 0.5)]
  expect([before[3], after[3]]).toEqual([255, 0])
})

test.each([
  ['its own width and height', 'width="2cm" height="1in"', 76, 96],
  ['a viewBox alone', 'viewBox="0 0 400 100"', 400, 100],
  ['a width and a viewBox', 'width="100" viewBox="0 0 400 100"', 100, 25],
  ['percent, so its viewBox', 'width="100%" height="50%" viewBox="0,0,10,30"', 10, 30],
  ['nothing', '', 300, 150],
])('a drawing with %s', async (_, attributes, width, height) => {
  await using bench = await workbench()
  const path = await bench.write('a.svg', svg('<path d="M0 0h9v9z"/>', attributes))
  const { properties } = await converter.inspect({ path, mediaType: 'image/svg+xml', bytes: 200 }, never())
  expect(properties).toMatchObject({ width, height })
})

test('nothing is loaded for a drawing, from the network or from the disk', async () => {
  await using bench = await workbench()
  let requests = 0
  const server = createServer((_, response) => {
    requests++
    response.end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const secret = bench.at('secret.png')
  await sharp({ create: { width: 8, height: 8, channels: 3, background: '#00ff00' } })
    .png()
    .toFile(secret)
  const links = [`${origin}/a`, secret, `file://${secret}`, 'secret.png', '//127.0.0.1/a', 'data:text/html,x']
  const space =
    'viewBox="0 0 8 8" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:xi="http://www.w3.org/2001/XInclude"'
  try {
    for (const [index, link] of links.entries()) {
      const inside = [
        `<image href="${link}" width="8" height="8"/><image xlink:href='${link}' width="8" height="8"/>`,
        `<use href="${link}#a"/><xi:include href="${link}" parse="text"/>`,
        `<style>@import url(${link}); rect { fill: url("${link}#p") }</style><style>@font-face{src:url(${link})}</style>`,
        `<rect width="8" height="8" fill="url(${link}#p)" filter="url('${link}#f')" style="mask: url(${link}#m)"/>`,
        `<foreignObject width="8" height="8"><img src="${link}"/></foreignObject><script href="${link}">x</script>`,
        `<a href="${link}"><text>x</text></a>`,
      ].join('')
      const drawn = await draw(await bench.write(`${index}.svg`, svg(inside, space)))
      const [, green = 0, , alpha = 0] = await pixel(drawn, 0.5, 0.5)
      expect([link, alpha > 0 && green > 200]).toEqual([link, false])
      expect(clean(svg(inside, space)).replaceAll(/ xmlns(:\w+)?="[^"]*"/g, '')).not.toMatch(
        /127\.0\.0|secret|script|foreign|include|import/i,
      )
    }
    expect(requests).toBe(0)
    await fetch(origin)
    expect(requests).toBe(1)
  } finally {
    server.close()
    server.closeAllConnections()
  }
}, 60_000)

test('parts of the drawing itself and small pictures in it are kept', async () => {
  await using bench = await workbench()
  const dot = await sharp({ create: { width: 4, height: 4, channels: 3, background: '#0000ff' } })
    .png()
    .toBuffer()
  const inside = [
    '<defs><linearGradient id="g"><stop stop-color="#ff0000"/></linearGradient></defs>',
    '<rect width="10" height="20" fill="url(#g)"/><style><![CDATA[ .b > circle, .b { fill: #00ff00 } ]]></style>',
    '<rect class="b" x="10" width="10" height="20"/>',
    `<image x="20" width="20" height="20" href="data:image/png;base64,${dot.toString('base64')}"/>`,
  ].join('')
  const path = await draw(await bench.write('own.svg', svg(inside)), 640)
  expect(await pixel(path, 0.1, 0.5)).toEqual([255, 0, 0, 255])
  expect(await pixel(path, 0.4, 0.5)).toEqual([0, 255, 0, 255])
  expect(await pixel(path, 0.75, 0.5)).toEqual([0, 0, 255, 255])
})

const many = (count: number, text: string): string => Array.from({ length: count }, () => text).join('')

test.each([
  [
    'entities',
    '<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><svg xmlns="http://www.w3.org/2000/svg">&b;</svg>',
  ],
  ['an entity file', '<!DOCTYPE svg [<!ENTITY a SYSTEM "/etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg"/>'],
  ['depth', svg(many(300, '<g>') + many(300, '</g>'))],
  ['a hundred thousand elements', svg(many(100_001, '<g/>'))],
  ['a tag that is not closed', svg('<g>')],
  ['a broken tag', svg('<g =>')],
  ['its end', svg('').slice(0, -3)],
  ['a strange shape', svg('', 'width="1" height="999"')],
])('a drawing is refused for %s, before it is drawn', async (_, text) => {
  await using bench = await workbench()
  const path = await bench.write('bad.svg', text)
  const start = performance.now()
  await expect(run(path, 'image/svg+xml')).rejects.toMatchObject({ code: 'invalid-media' })
  expect(performance.now() - start).toBeLessThan(3_000)
})

test('a drawing of references that double again and again is ended', async () => {
  await using bench = await workbench()
  const doubling = Array.from(
    { length: 40 },
    (_, level) => `<g id="l${level}"><use href="#l${level + 1}"/><use href="#l${level + 1}"/></g>`,
  )
  const text = svg(`<defs>${doubling.join('')}<rect id="l40" width="1" height="1"/></defs><use href="#l0"/>`)
  const path = await bench.write('doubling.svg', text)
  await expect(run(path, 'image/svg+xml')).rejects.toMatchObject({
    code: expect.stringMatching(/invalid-media|timed-out/),
  })
}, 60_000)
