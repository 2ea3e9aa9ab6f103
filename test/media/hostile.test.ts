import { createServer } from 'node:http'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { crc32, deflateSync } from 'node:zlib'
import { expect, test } from '@jest/globals'
import sharp, { type Sharp } from 'sharp'
import { isCatamaranError } from '../../shared/domain/errors.ts'
import { inputArgs } from '../../shared/media/ffmpeg-input.ts'
import { chance } from '../../local/samples/chance.ts'
import { converter, ffmpeg, never, run, workbench, type Workbench } from './workbench.ts'

/** The code and reason of a failure; undefined when nothing failed. */
async function fault(work: Promise<unknown>): Promise<{ code: string; message: string } | undefined> {
  try {
    await work
    return undefined
  } catch (error) {
    if (!isCatamaranError(error)) throw error
    return { code: error.code, message: error.message }
  }
}

function noisePicture(width: number, height: number): Sharp {
  const next = chance(1)
  return sharp(Buffer.from(Array.from({ length: width * height * 3 }, () => next() * 255)), {
    raw: { width, height, channels: 3 },
  })
}

const imageFormats = ['jpeg', 'png', 'webp', 'avif', 'gif', 'tiff'] as const

test.each(imageFormats)('a cut-off %s is refused with a reason', async (format) => {
  await using bench = await workbench()
  await noisePicture(160, 120)[format]().toFile(bench.at('whole'))
  const whole = await readFile(bench.at('whole'))
  expect(await fault(run(bench.at('whole')))).toBeUndefined()
  for (const share of [0.1, 0.5, 0.9]) {
    const path = await bench.write(`cut-${share}`, whole.subarray(0, Math.floor(whole.length * share)))
    const found = await fault(run(path, `image/${format}`))
    expect(found?.code).toBe('invalid-media')
    expect(found?.message).not.toMatch(/tmp|catamaran-media/)
  }
})

test.each(imageFormats)('flipped bits in a %s convert or are refused, and nothing else happens', async (format) => {
  await using bench = await workbench()
  await noisePicture(96, 64)[format]().toFile(bench.at('whole'))
  await expectNoCrash(bench, await readFile(bench.at('whole')), `image/${format}`, 25)
})

/** Every damaged copy converts whole or gives `invalid-media`. */
async function expectNoCrash(bench: Workbench, whole: Buffer, declared: string, copies: number): Promise<void> {
  const next = chance(whole.length)
  for (let copy = 0; copy < copies; copy++) {
    const damaged = Buffer.from(whole)
    for (let flip = 0; flip <= copy % 5; flip++) {
      const at = Math.floor(next() ** 2 * damaged.length)
      damaged[at] = (damaged[at] ?? 0) ^ (1 << Math.floor(next() * 8))
    }
    const found = await fault(run(await bench.write(`flipped-${copy}`, damaged), declared))
    expect(found?.code ?? 'invalid-media').toBe('invalid-media')
  }
}

function pngChunk(name: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data])
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  check.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, check])
}

test('a PNG of 256 megapixels under 1 MB is refused from its header, within 50 ms', async () => {
  await using bench = await workbench()
  const header = Buffer.alloc(13)
  header.writeUInt32BE(16_000, 0)
  header.writeUInt32BE(16_000, 4)
  header.set([1, 0, 0, 0, 0], 8)
  const png = Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(Buffer.alloc(16_000 * 2_001))),
    pngChunk('IEND', Buffer.alloc(0)),
  ])
  expect(png.length).toBeLessThan(1_000_000)
  const source = { path: await bench.write('bomb.png', png), mediaType: 'image/png', bytes: png.length }
  await fault(converter.inspect(source, never()))
  const start = performance.now()
  const found = await fault(converter.inspect(source, never()))
  expect(performance.now() - start).toBeLessThan(50)
  expect(found?.code).toBe('invalid-media')
  expect(found?.message).toMatch(/16000 x 16000/)
})

test('a GIF that claims 65,535 x 65,535 pixels is refused', async () => {
  await using bench = await workbench()
  const gif = Buffer.from('474946383961ffffffff80000000000000ffffff2c00000000ffffffff0002024c01003b', 'hex')
  expect((await fault(run(await bench.write('huge.gif', gif), 'image/gif')))?.code).toBe('invalid-media')
})

test('playlists under any name reach no address', async () => {
  let requests = 0
  const server = createServer((_, response) => {
    requests++
    response.end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const lists = {
    m3u8: `#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n${origin}/a.ts\n#EXT-X-ENDLIST\n`,
    mpd: `<?xml version="1.0"?><MPD><Period><BaseURL>${origin}/</BaseURL></Period></MPD>`,
    concat: `ffconcat version 1.0\nfile '${origin}/a.mp4'\n`,
  }
  try {
    await using bench = await workbench()
    for (const [name, text] of Object.entries(lists)) {
      const path = await bench.write(`${name}.mp4`, text)
      // Refused, or stored as the text it is: in no case is anything made of it.
      const made = await run(path, 'video/mp4').then(
        ({ inspection, files }) => [...inspection.recipes, ...files],
        ({ code }: { readonly code: string }) => (code === 'invalid-media' ? [] : [code]),
      )
      expect(made).toEqual([])
      // The second line of defence: even when called on it, the decoder takes it for a film and fails.
      for (const mediaType of ['video/mp4', 'video/mp2t', 'video/matroska', 'audio/mpeg', 'audio/aac', 'video/mpeg']) {
        const args = [...inputArgs(path, mediaType, { threads: 1 }), '-f', 'null', 'pipe:1']
        await fault(ffmpeg.run(args, { signal: never(), wallMsMax: 10_000 }))
      }
    }
    expect(requests).toBe(0)
    await fetch(origin)
    expect(requests).toBe(1)
  } finally {
    server.close()
    server.closeAllConnections()
  }
})

test('a playlist that names local files is not read either', async () => {
  await using bench = await workbench()
  const list = await bench.write('list.mp4', `#EXTM3U\n#EXTINF:4,\nfile:${bench.at('secret.ts')}\n#EXT-X-ENDLIST\n`)
  await bench.film('secret.ts', '-f', 'lavfi', '-i', 'testsrc=d=1:s=64x64', '-c:v', 'mpeg2video', '-f', 'mpegts')
  const args = [...inputArgs(list, 'video/mp2t', { threads: 1 }), '-f', 'rawvideo', 'pipe:1']
  let bytes = 0
  await fault(
    ffmpeg.run(args, { signal: never(), wallMsMax: 10_000, onOutput: (chunk) => void (bytes += chunk.length) }),
  )
  expect(bytes).toBe(0)
})

test.each([
  ['a zip', Buffer.concat([Buffer.from('504b0304140000000800', 'hex'), Buffer.alloc(40)]), 'application/zip', 'other'],
])('%s declared as JPEG is stored as what it is', async (_, bytes, mediaType, kind) => {
  await using bench = await workbench()
  const { inspection } = await run(await bench.write('picture.jpg', bytes), 'image/jpeg')
  expect(inspection).toMatchObject({ mediaType, kind, recipes: [] })
})

test.each([
  ['a letter', 'Dear all,\n\nthe boat leaves at nine.\n', 'text/plain'],
  ['an error page', '<!DOCTYPE html><html><body>502 Bad Gateway</body></html>', 'text/html'],
  ['an error message', '[{"error":"expired"},{"error":"denied"}]', 'application/json'],
  ['a table', 'a,b,c\n1,2,3\n4,5,6\n', 'text/csv'],
])('%s declared as a picture, a film or a sound is refused with the reason', async (_, text, found) => {
  await using bench = await workbench()
  const path = await bench.write('text', text)
  for (const declared of ['image/jpeg', 'video/mp4', 'Audio/MPEG; codecs=x']) {
    const [mediaType = ''] = declared.toLowerCase().split(';')
    const message = `The file is declared as ${mediaType}, but it holds text (${found})`
    expect(await fault(run(path, declared))).toEqual({ code: 'invalid-media', message })
  }
  for (const declared of ['text/plain', 'application/octet-stream', 'image/x-xpixmap', 'audio/x-mpegurl']) {
    expect(await fault(run(path, declared))).toBeUndefined()
  }
})

test('bytes that are nothing are refused when declared as media, and stored otherwise', async () => {
  await using bench = await workbench()
  const next = chance(9)
  const path = await bench.write('noise', Buffer.from(Array.from({ length: 5_000 }, () => next() * 256)))
  expect((await fault(run(path, 'image/jpeg')))?.code).toBe('invalid-media')
  expect((await run(path, 'application/x-thing')).inspection).toMatchObject({ kind: 'other', recipes: [] })
  const empty = await bench.write('empty', '')
  expect((await fault(run(empty, 'video/mp4')))?.code).toBe('invalid-media')
  expect((await run(empty, 'text/plain')).inspection.recipes).toEqual([])
})

test('a cut-off or damaged film is refused or converts, and never crashes', async () => {
  await using bench = await workbench()
  const source = ['-f', 'lavfi', '-i', 'testsrc=d=3:s=320x240:r=25', '-f', 'lavfi', '-i', 'sine=d=3']
  const codecs = ['-c:v', 'libx264', '-preset', 'ultrafast', '-c:a', 'aac']
  for (const [name, declared, ...extra] of [
    ['film.mp4', 'video/mp4', '-movflags', '+faststart'],
    ['late.mp4', 'video/mp4'],
    ['film.mkv', 'video/matroska'],
  ] as const) {
    const whole = await readFile(await bench.film(name, ...source, ...codecs, ...extra))
    for (const share of [0.02, 0.5, 0.8]) {
      const path = await bench.write(`cut-${share}-${name}`, whole.subarray(0, Math.floor(whole.length * share)))
      expect((await fault(run(path, declared)))?.code).toBe('invalid-media')
    }
    await expectNoCrash(bench, whole, declared, 3)
  }
}, 90_000)

test('a film whose picture could be copied is refused when nobody could hear its sound', async () => {
  await using bench = await workbench()
  const source = ['-f', 'lavfi', '-i', 'testsrc=d=2:s=320x240:r=25', '-f', 'lavfi', '-i', 'sine=d=2']
  const codecs = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'aac']
  const { inspection } = await run(await bench.film('whole.mp4', ...source, ...codecs), 'video/mp4')
  expect(inspection.recipes.find(({ name }) => name === 'video-h264-240')?.options.copy).toBe(true)
  const noisy = await bench.film('noisy.mp4', ...source, ...codecs, '-bsf:a', 'noise=1')
  expect(await fault(run(noisy, 'video/mp4'))).toMatchObject({ code: 'invalid-media' })
}, 60_000)
