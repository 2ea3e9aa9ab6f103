import { once } from 'node:events'
import { mkdtemp, stat } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { expect, test } from '@jest/globals'
import { isCatamaranError } from '../../shared/domain/errors.ts'
import { inputArgs } from '../../shared/media/ffmpeg-input.ts'
import { callersOf } from './callers.ts'
import { converter, ffmpeg, never, run, workbench, type Workbench } from './workbench.ts'

/** Counts whoever connects, whatever they say. */
async function listener() {
  let calls = 0
  const server = createServer((socket) => {
    calls++
    socket.end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    calls: () => calls,
    [Symbol.asyncDispose]: async () => void server.close(),
  }
}

/** Of a drawing one size is enough: each is drawn anew. */
async function convertAs(bench: Workbench, name: string, declared: string): Promise<void> {
  const path = bench.at(name)
  const source = { path, mediaType: declared, bytes: (await stat(path)).size }
  const workFolder = await mkdtemp(`${path}-`)
  try {
    const inspection = await converter.inspect(source, never())
    const recipes = inspection.kind === 'image' ? inspection.recipes.slice(0, 1) : inspection.recipes
    await converter.convert(source, { ...inspection, recipes }, { workFolder, signal: never() })
  } catch (error) {
    if (!isCatamaranError(error) || error.code !== 'invalid-media') throw error
  }
}

const linksOf = (origin: string): string[] => [
  `${origin}/a`,
  `tcp://${new URL(origin).host}`,
  `concat:${origin}/a|${origin}/b`,
]

test('no file of the corpus makes anybody call the address that is in it', async () => {
  await using bench = await workbench()
  await using heard = await listener()
  const [link = '', ...others] = linksOf(heard.origin)
  for (const { name, type, bytes } of callersOf(link)) {
    await bench.write(name, bytes)
    // What is text is told apart by its type; the others by their bytes alone.
    const disguises = /text|xml|json|mpegurl|dash|sdp/.test(type) ? ['video/mp4', 'image/jpeg'] : []
    for (const declared of [type, ...disguises]) await convertAs(bench, name, declared)
  }
  // Only lists and data references are read as addresses of another protocol.
  for (const other of others) {
    for (const { name, type, bytes } of callersOf(other).filter((caller) => /HLS|concat|MOV/.test(caller.name))) {
      await bench.write(name, bytes)
      await convertAs(bench, name, type)
    }
  }
  expect(heard.calls()).toBe(0)
}, 120_000)

test('the decoder itself calls nobody, whatever it is told that the file is', async () => {
  await using bench = await workbench()
  await using heard = await listener()
  const [link = ''] = linksOf(heard.origin)
  for (const { name, bytes } of callersOf(link).filter((caller) => /HLS|DASH|concat|SDP|elsewhere/.test(caller.name))) {
    const path = await bench.write(name, bytes)
    for (const type of ['video/mp4', 'audio/aac']) {
      const words = [...inputArgs(path, type, { threads: 1 }), '-f', 'null', 'pipe:1']
      await ffmpeg.run(words, { signal: never(), wallMsMax: 20_000, anyExit: true }).catch(() => undefined)
    }
  }
  expect(heard.calls()).toBe(0)
  // It does hear.
  await fetch(heard.origin).catch(() => undefined)
  expect(heard.calls()).toBe(1)
}, 120_000)

test('what a list says of the disk is not read either', async () => {
  await using bench = await workbench()
  await bench.film('secret.ts', '-f', 'lavfi', '-i', 'testsrc=d=1:s=64x64', '-c:v', 'mpeg2video', '-f', 'mpegts')
  for (const link of [`file:${bench.at('secret.ts')}`, 'secret.ts']) {
    for (const { name, type, bytes } of callersOf(link).filter((caller) => /HLS|concat|MOV/.test(caller.name))) {
      await bench.write(name, bytes)
      const made = await run(bench.at(name), type).then(
        ({ files }) => files.length,
        (error: { readonly code: string }) => error.code,
      )
      expect([0, 'invalid-media']).toContain(made)
    }
  }
}, 120_000)
