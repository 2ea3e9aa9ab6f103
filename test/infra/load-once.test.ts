import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from '../../scripts/build.ts'
import { loadOnce } from '../../shared/adapters/load-once.ts'

let folder = ''
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'catamaran-load-'))))
afterEach(() => rm(folder, { recursive: true, force: true }))

test('what loads is loaded once, also for those who ask at the same time', async () => {
  let loads = 0
  const get = loadOnce(async () => ++loads)
  expect(await Promise.all([get(), get()])).toEqual([1, 1])
  expect(await get()).toBe(1)
})

test('what failed is loaded again, and then kept', async () => {
  let loads = 0
  const get = loadOnce(async () => {
    loads++
    if (loads === 1) throw new Error('too many open files')
    return loads
  })
  const [one, other] = await Promise.allSettled([get(), get()])
  expect([one.status, other.status, loads]).toEqual(['rejected', 'rejected', 1])
  expect([await get(), await get()]).toEqual([2, 2])
})

/** The Functions app as it is bundled, with a file of this text in place of what converts media, asked for it twice. */
const askedTwice = async (text: string): Promise<string> => {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  await build()
  const bundle = await readFile(join(root, 'dist/azure/index.cjs'), 'utf8')
  const load = /Promise\.resolve\(\)\.then\(\(\)=>\w+\(require\("\.\/job\.cjs"\),1\)\)|import\("\.\/job\.cjs"\)/.exec(
    bundle,
  )
  const asked = load?.[0].replace(/\w+\(require\("(.*?)"\),1\)/, 'require("$1")')
  await writeFile(join(folder, 'job.cjs'), text)
  await writeFile(
    join(folder, 'app.cjs'),
    `const load = () => ${asked}
    load().catch(() => (globalThis.isMended = true)).then(load).then(() => console.log('loaded'), () => console.log('failed'))`,
  )
  return spawnSync(process.execPath, [join(folder, 'app.cjs')], { encoding: 'utf8' }).stdout.trim()
}

test('at Azure a job file that could not be loaded is loaded again by the next job', async () => {
  expect(await askedTwice("if (!globalThis.isMended) throw new Error('not now')")).toBe('loaded')
}, 60_000)
