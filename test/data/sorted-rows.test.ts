import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { sortedRows } from '../../shared/data/sorted-rows.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sorted-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('rows come in order of their keys, each once, however little is held', async () => {
  const text = fc.string({ unit: 'binary', maxLength: 12 })
  const property = fc.asyncProperty(
    fc.array(text, { maxLength: 20 }),
    fc.integer({ min: 1, max: 2_000 }),
    async (keys, heldBytesMax) => {
      const own = await mkdtemp(join(folder, 'run-'))
      const sorted = sortedRows(own, { heldBytesMax })
      for (const key of keys) await sorted.add(key, { key })
      const found = []
      for await (const row of sorted.rows()) found.push(row['key'])
      expect(found).toEqual([...new Set(keys)].sort())
    },
  )
  await fc.assert(property, { numRuns: 6 })
})

test('what is too much is in files while it is sorted', async () => {
  const sorted = sortedRows(folder, { heldBytesMax: 40_000 })
  for (let n = 0; n < 2_000; n++) await sorted.add(String((n * 7_919) % 2_000).padStart(6, '0'), { n })
  expect((await readdir(folder)).length).toBeGreaterThan(5)
  let count = 0
  for await (const { n } of sorted.rows()) expect((Number(n) * 7_919) % 2_000).toBe(count++)
  expect(count).toBe(2_000)
})

test('whoever stops early leaves no file open', async () => {
  const sorted = sortedRows(folder, { heldBytesMax: 1_000 })
  for (let n = 0; n < 500; n++) await sorted.add(String(n), { n })
  for await (const row of sorted.rows()) {
    expect(row['n']).toBe(0)
    break
  }
})
