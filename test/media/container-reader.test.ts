import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from '@jest/globals'
import { containerReader } from '../../shared/media/container-reader.ts'
import { probeWallMsMax, readerBytesMax } from '../../shared/media/limits.ts'
import { programsOf } from './programs.ts'
import { named, never, run, workbench } from './workbench.ts'

/** A FLAC that has a header and then nothing: the library that reads it looks for its first frame for ever. */
const endless = Buffer.concat([
  Buffer.from('fLaC\x80\0\0\x22', 'latin1'),
  Buffer.from('100010000000000000000ac440f0', 'hex'),
  Buffer.alloc(21),
])
const hasty = { cpuMsMax: 400, wallMsMax: probeWallMsMax, memoryBytesMax: readerBytesMax }
const sound = ['-f', 'lavfi', '-i', 'sine=d=1', '-c:a', 'aac'] as const

test('media that keeps its reader busy for ever is refused, and the next file is read', async () => {
  await using bench = await workbench()
  const path = await bench.write('endless.flac', endless)
  const whole = await bench.film('whole.m4a', ...sound)
  const reader = containerReader(hasty)
  try {
    const [refused, read] = await Promise.allSettled([reader.tracks(path, never()), reader.tracks(whole, never())])
    const message = 'Reading the file needs more processor time than is allowed'
    expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'invalid-media', message } })
    expect(read).toMatchObject({ status: 'fulfilled', value: { audio: { codec: 'aac' } } })
  } finally {
    reader.close()
  }
})

test('an abort ends a reader that cannot be broken off from within', async () => {
  await using bench = await workbench()
  const path = await bench.write('endless.flac', endless)
  const reader = containerReader()
  const abort = new AbortController()
  const reason = new Error('the lease was lost')
  setTimeout(() => abort.abort(reason), 300)
  await expect(reader.tracks(path, abort.signal)).rejects.toBe(reason)
})

test('such a file is refused as a whole when nothing else can read it either', async () => {
  await using bench = await workbench()
  const path = await bench.write('endless.flac', endless)
  await expect(run(path, 'audio/flac')).rejects.toMatchObject({ code: 'invalid-media' })
})

test('one reader serves a job, from the first look to the last rendition', async () => {
  await using bench = await workbench()
  const path = await bench.film('tone.m4a', ...sound)
  const started = await programsOf(() => run(path))
  expect(started.filter((words) => words.includes('reader-program.ts'))).toHaveLength(1)
  expect(started.filter((words) => words.includes('ffmpeg')).length).toBeGreaterThan(1)
})

test('a reader that has nothing to do keeps nobody from ending', async () => {
  await using bench = await workbench()
  const path = await bench.film('tone.m4a', ...sound)
  const script = await bench.write(
    'owner.mjs',
    `import { containerReader } from '${new URL('../../shared/media/container-reader.ts', import.meta.url).href}'
     const tracks = await containerReader().tracks(${JSON.stringify(path)}, new AbortController().signal)
     process.exitCode = tracks?.audio ? 7 : 1`,
  )
  const owner = spawn(process.execPath, [script], { stdio: 'inherit' })
  expect(await once(owner, 'exit')).toEqual([7, null])
})

test('tags of a FLAC are read', async () => {
  await using bench = await workbench()
  const tone = await bench.film('tone.flac', ...sound.slice(0, 4), '-metadata', 'title=Two hulls', '-c:a', 'flac')
  const { inspection, files } = await run(tone)
  expect(inspection.properties).toMatchObject({ tags: { title: 'Two hulls' } })
  expect(named(files, 'audio-aac').bytes).toBeGreaterThan(0)
})
