import { readFile } from 'node:fs/promises'
import { expect } from '@jest/globals'

/** The names of a file's top-level MP4 boxes, in order. */
async function boxes(path: string): Promise<string[]> {
  const bytes = await readFile(path)
  const names: string[] = []
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at)
    names.push(bytes.toString('latin1', at + 4, at + 8))
    at += length === 1 ? Number(bytes.readBigUInt64BE(at + 8)) : length || bytes.length
  }
  return names
}

/** The index stands in front of the media. */
export async function expectFastStart(path: string): Promise<void> {
  const names = await boxes(path)
  expect(names).toContain('moov')
  expect(names.indexOf('moov')).toBeLessThan(names.indexOf('mdat'))
}
