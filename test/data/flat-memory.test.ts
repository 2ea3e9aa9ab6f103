import { execFile } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from '@jest/globals'

const child = fileURLToPath(new URL('../../bench/data/reader-child.ts', import.meta.url))
const growthMiBMax = 64
/** As the job function runs (see serverless.yml), and with a heap in which a file that is held would not fit. */
const flags = ['--max-semi-space-size=4', '--max-old-space-size=80']

function* lines(megabytes: number): Generator<string> {
  yield 'id,name,price,at,note\n'
  for (let [id, bytes] = [0, 0]; bytes < megabytes * 2 ** 20; ) {
    let block = ''
    for (const end = id + 1_000; id < end; id++) {
      block += `${id},name ${(id * 7919) % 100_003},${(id % 9_973) / 8},2024-01-${10 + (id % 20)}T00:00:00Z,${'x'.repeat(60 + (id % 60))}\n`
    }
    bytes += block.length
    yield block
  }
}

async function convert(folder: string, megabytes: number): Promise<{ rows: number; peakMiB: number }> {
  const path = join(folder, `${megabytes}.csv`)
  await pipeline(Readable.from(lines(megabytes)), createWriteStream(path))
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, child, 'convert', path])
  return JSON.parse(stdout) as { rows: number; peakMiB: number }
}

test('a file six times as large takes the same memory', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'catamaran-flat-'))
  try {
    const [small, large] = [await convert(folder, 5), await convert(folder, 30)]
    expect(large.rows).toBeGreaterThan(small.rows * 5)
    expect(large.peakMiB - small.peakMiB).toBeLessThan(growthMiBMax)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}, 120_000)
